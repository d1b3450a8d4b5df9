"""What facts, their values, units and departments are called in Chinese and English, for people to read.

The titles of facts are those of the county's vocabulary (`facts.csv`); a test holds them to it.
"""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel

from runtime.problems import Bilingual
from subsidy.vocabulary_rules import FactDefinition

Language = Literal["zh", "en"]

FACT_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "household_code": ("户编号", "Household code"),
    "age_years": ("年龄(周岁)", "Age in completed years"),
    "age_months": ("月龄", "Age in completed months"),
    "birth_date": ("出生日期", "Date of birth"),
    "gender": ("性别", "Sex"),
    "is_alive": ("是否健在", "Is alive"),
    "death_date": ("死亡日期", "Date of death (empty when alive)"),
    "hukou_local": ("户籍在本县", "Registered in this county"),
    "hukou_village_code": ("户籍村代码", "Village code of registration"),
    "hukou_rural": ("农村户籍", "Rural registration"),
    "residence_months": ("本县连续居住月数", "Months of continuous residence in the county"),
    "serving_sentence": ("服刑或羁押", "Serving a sentence or detained"),
    "public_payroll": ("财政供养人员", "On the public payroll"),
    "marital_status": ("婚姻状况", "Marital status"),
    "relation_to_head": ("与户主关系", "Relation to household head"),
    "guardian_registered": ("已登记监护人", "Guardian registered"),
    "bank_card_active": ("社保卡金融账户可用", "Social card bank account active"),
    "school_stage": ("在读学段", "School stage"),
    "fulltime_enrolled": ("全日制在籍", "Enrolled full time"),
    "boarding_student": ("寄宿生", "Boarding student"),
    "admitted_undergraduate_this_year": ("当年被本科录取", "Admitted to undergraduate studies this year"),
    "employment_status": ("就业状态", "Employment status"),
    "public_welfare_job": ("在公益性岗位", "Holds a public-welfare job"),
    "public_welfare_job_months": ("公益性岗位累计月数", "Months held in public-welfare jobs"),
    "first_business_registration": ("首次注册市场主体", "First market-entity registration"),
    "business_running_months": ("经营月数", "Months the business has run"),
    "graduation_years_ago": ("毕业年数", "Years since graduation"),
    "outside_work_months_year": ("本年度县外务工月数", "Months worked outside the county this year"),
    "skill_cert_level": (
        "当年取得技能等级",
        "Skill level certified this year (5 junior, 4 intermediate, 3 senior; 0 none)",
    ),
    "monthly_income_fen": ("个人月收入", "Personal monthly income"),
    "resident_pension_receiving": ("领取城乡居民养老金", "Receives resident pension"),
    "employee_pension_receiving": ("领取职工养老金", "Receives employee pension"),
    "resident_pension_insured": ("参加城乡居民养老保险", "Insured in resident pension scheme"),
    "work_injury_nursing_receiving": ("领取工伤生活护理费", "Receives work-injury nursing payment"),
    "medical_insured": ("参加城乡居民医保", "Insured in resident medical scheme"),
    "medical_premium_personal_fen": ("居民医保个人缴费额", "Personal medical premium of the year"),
    "medical_self_pay_fen_year": ("年度合规自付医疗费", "Eligible self-paid medical cost of the year"),
    "disability_level": ("残疾等级(0为无)", "Disability grade (0 none, 1 most severe)"),
    "disability_types": ("残疾类别", "Disability types"),
    "disability_cert_valid": ("残疾人证有效", "Disability card valid"),
    "care_dependency": ("自理能力评估", "Assessed self-care ability"),
    "wheelchair_vehicle_registered": ("登记机动轮椅车", "Motor wheelchair registered"),
    "rehab_service_months_year": ("本年康复训练月数", "Months of rehabilitation training this year"),
    "dibao_household": ("低保家庭", "Subsistence-allowance household"),
    "dibao_edge_household": ("低保边缘家庭", "Subsistence-edge household"),
    "dibao_paid_per_capita_fen_month": ("已发人均低保金", "Subsistence allowance already paid per head"),
    "hardship_disability_paid_fen_month": ("已发困难残疾人生活补贴", "Hardship disability allowance already paid"),
    "is_tekun": ("特困供养人员", "Person in extreme difficulty"),
    "tekun_mode": ("供养形式", "Support form"),
    "is_orphan": ("孤儿", "Orphan"),
    "orphan_care": ("孤儿养育形式", "Orphan care form"),
    "de_facto_unattended_child": ("事实无人抚养儿童", "De facto unattended child"),
    "left_behind_child": ("留守儿童", "Left-behind child"),
    "ecological_burial": ("选择生态安葬", "Ecological burial chosen"),
    "cremated": ("已火化", "Cremated"),
    "months_since_death": ("死亡后月数(-1为健在)", "Months since death (-1 alive)"),
    "local_dibao_line_fen_month": ("当地低保标准", "Local subsistence line"),
    "local_min_wage_fen_month": ("当地最低工资", "Local minimum wage"),
    "price_linkage_triggered": ("价格联动机制启动", "Price linkage triggered this month"),
    "household_size": ("共同生活人口", "Persons living together"),
    "household_income_per_capita_fen_month": ("家庭人均月收入", "Household income per head and month"),
    "household_property_ok": ("家庭财产符合规定", "Household assets within the limits"),
    "low_income_farm_household": ("低收入农户", "Low-income farm household"),
    "poverty_relieved_household": ("脱贫户或监测户", "Relieved-from-poverty or monitored household"),
    "emergency_cause": ("困难突发原因", "Cause of sudden hardship"),
    "fire_loss_confirmed": ("火灾损失已认定", "Fire loss confirmed"),
    "temporary_aid_count_year": ("本年临时救助次数", "Temporary aid grants this year"),
    "disaster_affected": ("当年受灾", "Hit by a natural disaster this year"),
    "disaster_house_destroyed_rooms": ("因灾倒塌及严重损坏房间数", "Rooms destroyed or severely damaged"),
    "winter_hardship_confirmed": ("冬春生活困难", "Winter-spring hardship confirmed"),
    "electricity_kwh_month": ("月用电量", "Electricity used per month"),
    "child_count": ("子女数", "Number of children"),
    "only_child_certificate": ("持独生子女父母光荣证", "Holds the only-child parents certificate"),
    "rural_one_child_or_two_girls": ("农村独生子女或双女户", "Rural one-child or two-daughter parent"),
    "only_child_deceased": ("独生子女死亡且未再生育", "Only child deceased, no further child"),
    "only_child_disabled_grade": ("独生子女残疾等级", "Disability grade of the only child"),
    "birth_order": ("孩次", "Birth order of the child"),
    "village_doctor_years": ("乡村医生从业年限", "Years as village doctor"),
    "guardian_of_severe_mental_patient": (
        "严重精神障碍患者监护人",
        "Guardian of a patient with severe mental disorder",
    ),
    "guardian_duty_incident_year": ("本年发生肇事肇祸", "Incident under guardianship this year"),
    "veteran_rural": ("农村籍退役士兵", "Rural veteran"),
    "conscript_service_years": ("义务兵服役年限", "Years of conscript service"),
    "veteran_disability_grade": ("伤残军人等级(0为无)", "Veteran disability grade (0 none)"),
    "veteran_disability_standard_fen_year": ("残疾抚恤金年标准", "Disability pension standard per year"),
    "veteran_nursing_standard_fen_month": ("伤残军人护理费标准", "Veteran nursing fee standard per month"),
    "bereaved_family_registered": ("三属定期抚恤对象", "Registered bereaved family member"),
    "bereaved_pension_standard_fen_year": ("定期抚恤金年标准", "Bereaved pension standard per year"),
    "demobilised_before_1954_11": ("1954年10月31日前入伍的退役人员", "Enlisted before 31 October 1954 and discharged"),
    "sick_returned_veteran": ("带病回乡退役军人", "Veteran returned home with illness"),
    "war_or_nuclear_veteran": ("参战参试退役军人", "War or nuclear-test veteran"),
    "martyr_child": ("烈士子女(定期抚恤建立时已满18周岁)", "Martyr's child, adult when pensions were set up"),
    "has_work_unit": ("有工作单位", "Has an employing unit"),
    "serving_conscript_in_household": ("有现役义务兵", "Household with a serving conscript"),
    "conscript_service_year": ("义务兵服役年度", "Service year of the conscript"),
    "merit_award_class": ("当年立功等次(0为无)", "Merit citation class this year (0 none)"),
    "party_years": ("党龄", "Years of party membership"),
    "party_joined_before_1949_10": ("新中国成立前入党", "Joined the party before October 1949"),
    "left_village_post_normally": ("正常离任村干部", "Left village post in good standing"),
    "village_post_rank": ("曾任村职务", "Former village post"),
    "village_post_years": ("任村干部年限", "Years in village post"),
    "discipline_sanction": ("受撤职以上处分", "Dismissed or sanctioned"),
    "private_teacher_years": ("民办代课教师教龄", "Years as non-state rural teacher"),
    "film_projectionist_years": ("农村老放映员工龄", "Years as rural film projectionist"),
    "animal_epidemic_worker_years": ("村级动物防疫员年限", "Years as village animal-epidemic worker"),
    "collective_member": ("集体经济组织成员", "Member of the rural collective"),
    "contracted_farmland_mu_x100": ("承包耕地确权面积", "Contracted farmland area"),
    "farmland_abandoned": ("耕地撂荒", "Farmland lies idle"),
    "grain_area_mu_x100": ("粮食播种面积", "Area sown to grain"),
    "early_rice_area_mu_x100": ("早稻面积", "Early-rice area"),
    "rape_area_mu_x100": ("油菜面积", "Rapeseed area"),
    "farmland_leased_in_mu_x100": ("流入耕地面积", "Farmland leased in"),
    "tea_garden_area_mu_x100": ("白茶茶园面积", "White-tea garden area"),
    "tea_eco_upgrade_accepted": ("生态茶园改造验收合格", "Ecological tea-garden upgrade accepted"),
    "machinery_subsidy_assessed_fen": ("农机购置核定补贴额", "Assessed machinery subsidy"),
    "machinery_scrap_assessed_fen": ("农机报废核定补贴额", "Assessed scrappage subsidy"),
    "insurance_premium_fen": ("农业保险保费", "Agricultural insurance premium"),
    "culling_compensation_assessed_fen": ("强制扑杀核定补偿额", "Assessed culling compensation"),
    "breeding_stock_count": ("存栏数", "Head of livestock kept"),
    "microloan_interest_paid_fen_quarter": ("小额信贷本季付息", "Microloan interest paid this quarter"),
    "microloan_overdue": ("小额信贷逾期", "Microloan overdue"),
    "toilet_retrofit_accepted": ("户厕改造验收合格", "Toilet retrofit accepted"),
    "ecological_forest_mu_x100": ("公益林面积", "Public-benefit forest area"),
    "natural_commercial_forest_mu_x100": ("停伐天然商品林面积", "Natural commercial forest under logging ban"),
    "returned_farmland_mu_x100": ("退耕还林面积", "Farmland returned to forest"),
    "ecological_ranger": ("在岗生态护林员", "Serving ecological ranger"),
    "reservoir_migrant": ("大中型水库移民", "Reservoir resettler"),
    "migrant_support_years_used": ("已扶持年数", "Years of support already received"),
    "house_danger_level": ("住房安全等级", "House safety grade"),
    "only_house": ("唯一住房", "Only dwelling"),
    "house_rebuild_accepted": ("危房改造验收合格", "House rebuild accepted"),
    "homestead_confirmed": ("宅基地已确权", "Homestead right confirmed"),
    "geohazard_relocation_done": ("地灾避让搬迁完成", "Geohazard relocation completed"),
    "waste_sorting_score": ("垃圾分类季度得分", "Waste-sorting score of the quarter"),
    "volunteer_hours_year": ("年度志愿服务时长", "Volunteer hours of the year"),
    "mental_patient_followup": ("严重精神障碍在册随访", "Registered severe mental disorder follow-up"),
    "last_health_check_date": ("最近体检日期", "Date of last health check"),
    "vaccinated_children_complete": ("儿童免疫程序完成", "Child immunisation complete"),
    "vehicle_count": ("机动车数量", "Number of motor vehicles"),
    "business_entity_code": ("统一社会信用代码", "Unified social credit code"),
    "military_age_registered": ("兵役登记", "Registered for military service"),
    "residence_since": ("居住起始日期", "Residence since"),
    "public_welfare_job_since": ("公益性岗位起始日期", "Public-welfare job since"),
    "business_registered_on": ("工商登记日期", "Business registered on"),
    "graduated_on": ("毕业日期", "Graduated on"),
    "party_joined_on": ("入党日期", "Joined the Party on"),
    "member_of_household": ("所属户", "Household of the person"),
}

DEPARTMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "CLH": ("残疾人联合会", "the Disabled Persons' Federation"),
    "CZJ": ("财政局", "the Finance Bureau"),
    "FGJ": ("发展和改革局", "the Development and Reform Bureau"),
    "GAJ": ("公安局", "the Public Security Bureau"),
    "JWJ": ("纪委监委", "the Discipline Inspection and Supervision Commission"),
    "JYJ": ("教育局", "the Education Bureau"),
    "LYJ": ("林业局", "the Forestry Bureau"),
    "MZJ": ("民政局", "the Civil Affairs Bureau"),
    "NYJ": ("农业农村局", "the Agriculture and Rural Affairs Bureau"),
    "RSJ": ("人力资源和社会保障局", "the Human Resources and Social Security Bureau"),
    "RWB": ("人民武装部", "the People's Armed Forces Department"),
    "SCJ": ("市场监督管理局", "the Market Regulation Bureau"),
    "SGB": ("社会工作部", "the Social Work Department"),
    "SLJ": ("水利局", "the Water Resources Bureau"),
    "TYJ": ("退役军人事务局", "the Veterans Affairs Bureau"),
    "WJJ": ("卫生健康局", "the Health Bureau"),
    "WLJ": ("文化和旅游局", "the Culture and Tourism Bureau"),
    "XFD": ("消防救援大队", "the Fire and Rescue Brigade"),
    "YBJ": ("医疗保障局", "the Healthcare Security Bureau"),
    "YJJ": ("应急管理局", "the Emergency Management Bureau"),
    "ZFB": ("政府办公室", "the County Government Office"),
    "ZFJ": ("综合行政执法局", "the Administrative Enforcement Bureau"),
    "ZJJ": ("住房和城乡建设局", "the Housing and Construction Bureau"),
    "ZRJ": ("自然资源和规划局", "the Natural Resources Bureau"),
    "ZZB": ("组织部", "the Party Organisation Department"),
}

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "male": ("男", "male"),
    "female": ("女", "female"),
    "single": ("未婚", "single"),
    "married": ("已婚", "married"),
    "divorced": ("离异", "divorced"),
    "widowed": ("丧偶", "widowed"),
    "head": ("户主", "head of the household"),
    "spouse": ("配偶", "spouse"),
    "child": ("子女", "child"),
    "parent": ("父母", "parent"),
    "other": ("其他", "other"),
    "none": ("无", "none"),
    "preschool": ("学前", "preschool"),
    "primary": ("小学", "primary school"),
    "junior": ("初中", "junior secondary school"),
    "senior": ("普通高中", "senior secondary school"),
    "vocational": ("中等职业学校", "vocational school"),
    "junior_college": ("高职高专", "junior college"),
    "undergraduate": ("本科", "undergraduate"),
    "employed": ("就业", "employed"),
    "flexible": ("灵活就业", "in flexible employment"),
    "registered_unemployed": ("登记失业", "registered unemployed"),
    "student": ("在学", "student"),
    "retired": ("退休", "retired"),
    "vision": ("视力", "vision"),
    "hearing": ("听力", "hearing"),
    "speech": ("言语", "speech"),
    "physical": ("肢体", "physical"),
    "intellectual": ("智力", "intellectual"),
    "mental": ("精神", "mental"),
    "self": ("能自理", "self-reliant"),
    "partial": ("部分不能自理", "partly dependent"),
    "full": ("完全不能自理", "fully dependent"),
    "dispersed": ("分散供养", "supported at home"),
    "centralised": ("集中供养", "supported in an institution"),
    "institution": ("机构养育", "raised in an institution"),
    "fire": ("火灾", "fire"),
    "accident": ("意外事故", "accident"),
    "illness": ("疾病", "illness"),
    "education": ("教育支出", "cost of education"),
    "principal": ("村主职", "principal post"),
    "member": ("村委员", "member"),
    "A": ("A级", "grade A"),
    "B": ("B级", "grade B"),
    "C": ("C级", "grade C"),
    "D": ("D级", "grade D"),
}
# Where a word means something else of one fact than of the others.
_WORDS_OF: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("school_stage", "none"): ("不在读", "not at school"),
    ("employment_status", "none"): ("未就业", "not employed"),
    ("care_dependency", "none"): ("未评估", "not assessed"),
    ("house_danger_level", "none"): ("未评定", "not graded"),
    ("orphan_care", "dispersed"): ("社会散居", "in the community"),
}

_COUNTED: Final[Mapping[str, tuple[str, str, str]]] = {
    "persons": ("人", "person", "persons"),
    "times": ("次", "time", "times"),
    "rooms": ("间", "room", "rooms"),
    "kWh/month": ("千瓦时/月", "kWh a month", "kWh a month"),
    "children": ("个", "child", "children"),
    "head": ("头", "head", "head"),
    "hours": ("小时", "hour", "hours"),
    "vehicles": ("辆", "vehicle", "vehicles"),
}
_PER: Final[Mapping[str, tuple[str, str]]] = {
    "fen/month": ("/月", " a month"),
    "fen/quarter": ("/季度", " a quarter"),
    "fen/year": ("/年", " a year"),
}


class Said(BaseModel):
    """The same in both languages."""

    zh: str
    en: str


YES: Final = Bilingual(en="yes", zh="是")
NO: Final = Bilingual(en="no", zh="否")
UNKNOWN: Final = Bilingual(en="unknown", zh="未知")


def said(words: Bilingual) -> Said:
    """Words as they are answered."""
    return Said(zh=words.zh, en=words.en)


def title(fact: FactDefinition) -> Bilingual:
    """What a fact is called; one that joined the vocabulary without a title stands by its name."""
    zh, en = FACT_TITLES.get(fact.name, (fact.name, fact.name))
    return Bilingual(en=en, zh=zh)


def department(code: str) -> Bilingual:
    """A department's name; one that has no name here stands by its code."""
    zh, en = DEPARTMENTS.get(code, (code, code))
    return Bilingual(en=en, zh=zh)


def word(fact: FactDefinition, text: str) -> Bilingual:
    """A word that a fact can be; what is in no list of words, such as a code, stands for itself."""
    if not fact.values and fact.type != "list":
        return Bilingual(en=text, zh=text)
    zh, en = _WORDS_OF.get((fact.name, text)) or _WORDS.get(text) or (text, text)
    return Bilingual(en=en, zh=zh)


def value(fact: FactDefinition, it: object) -> Bilingual:
    """A fact's value in words, None for unknown; whole numbers with their unit."""
    if it is None:
        return UNKNOWN
    if isinstance(it, bool):
        return YES if it else NO
    if isinstance(it, int):
        return number(it, fact.unit, fact.name)
    if isinstance(it, list | tuple):
        each = [word(fact, str(one)) for one in it] or [Bilingual(en="none", zh="无")]
        return Bilingual(en=", ".join(one.en for one in each), zh="、".join(one.zh for one in each))
    return word(fact, str(it))


def number(many: int, unit: str, name: str = "") -> Bilingual:
    """A whole number with its unit: fen as yuan, hundredths of a mu as mu, months as years and months.

    name: the fact whose number it is, where years are said as an age.
    """
    if unit == "fen" or unit in _PER:
        zh, en = _PER.get(unit, ("", ""))
        return Bilingual(en=f"{yuan(many)} yuan{en}", zh=f"{yuan(many)}元{zh}")
    if unit == "0.01 mu":
        return Bilingual(en=f"{_hundredths(many)} mu", zh=f"{_hundredths(many)}亩")
    if unit == "months":
        return _months(many)
    if unit == "years":
        return Bilingual(en=_plural(many, "year", "years"), zh=f"{many}{'周岁' if name == 'age_years' else '年'}")
    if unit in _COUNTED:
        zh, one, several = _COUNTED[unit]
        return Bilingual(en=_plural(many, one, several), zh=f"{many}{zh}")
    return Bilingual(en=str(many), zh=str(many))


def yuan(fen: int) -> str:
    """Fen as yuan, as in `1,234.05`; of any size."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02d}"


def _hundredths(many: int) -> str:
    whole, rest = divmod(abs(many), 100)
    text = f"{whole:,}.{rest:02d}".rstrip("0").rstrip(".")
    return f"-{text}" if many < 0 else text


def _months(many: int) -> Bilingual:
    if many < 0:
        return Bilingual(en=str(many), zh=str(many))  # still to come, or never: the title says which
    years, months = divmod(many, 12)
    said_en = ([_plural(years, "year", "years")] if years else []) + (
        [_plural(months, "month", "months")] if months or not years else []
    )
    said_zh = (f"{years}年" if years else "") + (f"{months}个月" if months or not years else "")
    return Bilingual(en=" and ".join(said_en), zh=said_zh)


def _plural(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"
