"""The 25 sample asks off the list as three other officials would have worded them; department, kind and label stay."""

from typing import Final

IN_OTHER_WORDS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "TX01": (
        ("完成年度招商引资指标", "Reach the annual target for attracting investment"),
        ("各村引进项目资金任务", "Villages bring in project money"),
        ("下达各村招商项目落地任务", "Assign each village projects to be landed"),
    ),
    "TX02": (
        ("由村委会负责征地拆迁签约", "The village committee is in charge of signing for land expropriation"),
        ("村级包干拆迁协议签订", "The village takes over getting demolition agreements signed"),
        ("由村干部与被拆迁户签订协议", "Village cadres sign agreements with households to be moved"),
    ),
    "TX03": (
        ("查封违规小作坊并处以罚款", "Seal and fine workshops that break the rules"),
        ("村级对小作坊开展行政处罚", "Villages impose administrative penalties on small workshops"),
        ("村里负责取缔无证小作坊", "The village closes unlicensed workshops"),
    ),
    "TX04": (
        ("签订食品安全责任状", "Sign a letter of responsibility for food safety"),
        ("层层签订食品生产经营监管承诺书", "Sign a commitment for supervising food businesses"),
        ("与食品摊贩签订安全承诺书", "Sign pledges with food vendors"),
    ),
    "TX05": (
        ("手工填写统计台账", "Fill in statistical ledgers by hand"),
        ("建立并更新各类统计台账资料", "Set up and update ledgers for statistics"),
        ("补齐近三年各类台账", "Complete the ledgers of the last three years"),
    ),
    "TX06": (
        ("每户关注政务公众号并打卡截图", "Each household follows the account and checks in with screenshots"),
        ("组织村民关注微信公众号并上报截图", "Have villagers follow the official account and hand in screenshots"),
        ("微信打卡每日截图报送", "Send daily check-in screenshots"),
    ),
    "TX07": (
        ("完成党报党刊征订任务", "Fulfil the newspaper subscription quota"),
        ("摊派订阅报纸杂志", "Assign subscriptions to newspapers and magazines"),
        ("下达党报征订指标", "Set subscription targets for the Party newspaper"),
    ),
    "TX08": (
        ("动员村民开通某银行手机银行", "Get villagers to open mobile banking with a bank"),
        ("推广某银行金融产品", "Promote the financial products of a bank"),
        ("发动村民下载某银行软件", "Have villagers download a bank's software"),
    ),
    "TX09": (
        ("动员农户购买商业保险", "Get farmers to buy commercial insurance"),
        ("商业保险推销任务摊派到户", "Assign sales of commercial insurance to households"),
        ("代卖商业保险", "Sell commercial insurance"),
    ),
    "TX10": (
        ("悬挂新设工作站标牌", "Put up the plate of a newly set up station"),
        ("制作并悬挂服务站牌匾", "Make and hang the plaque of a service station"),
        ("制作科普工作站门牌", "Make a door plate for the science station"),
    ),
    "TX11": (
        ("建设专门活动室并配备专人", "Build a dedicated activity room and staff it"),
        ("配备专职工作人员和活动场所", "Provide full-time staff and a place for activities"),
        ("新建青年活动室并安排专人管理", "Build a youth activity room and assign staff"),
    ),
    "TX12": (
        ("开具学生无重大疾病证明", "Certify that a pupil has no serious illness"),
        ("开具健康状况证明", "Issue a certificate of state of health"),
        ("出具患病情况证明", "Issue a proof of illness"),
    ),
    "TX13": (
        ("开具贷款收入证明", "Certify income for a bank loan"),
        ("为村民出具经济收入情况证明", "Issue a proof of villagers' earnings"),
        ("开具家庭年收入证明", "Issue a proof of a household's yearly income"),
    ),
    "TX14": (
        ("村干部上门代收医疗保险费", "Cadres collect health insurance premiums from door to door"),
        ("代收居民养老保险费", "Collect pension insurance premiums"),
        ("入户收缴城乡居民医保费", "Collect medical insurance premiums door to door"),
    ),
    "TX15": (
        ("组织村民扑救森林火灾", "Have villagers put out forest fires"),
        ("作为主力承担山火扑救", "Be the main force against mountain fires"),
        ("组建扑火队赴火场灭火", "Send a team to put out fires"),
    ),
    "TX16": (
        ("全年24小时值守防汛卡点", "Man the flood checkpoint day and night all year"),
        ("安排专人全天候值守卡口", "Have somebody at the checkpoint round the clock"),
        ("卡口全天值班", "Staff the checkpoint all day"),
    ),
    "TX17": (
        ("排练文艺节目迎接检查", "Rehearse a show to welcome an inspection"),
        ("组织非遗展演活动迎接观摩", "Stage a heritage show for visitors"),
        ("安排非遗节目接待检查组", "Arrange a heritage show for the inspectors"),
    ),
    "TX18": (
        ("整理达标创建资料盒", "Put together file boxes for the rating"),
        ("准备考核台账资料", "Prepare ledgers and files for the assessment"),
        ("制作示范创建资料汇编", "Compile the documents of the model rating"),
    ),
    "TX19": (
        ("每天报送人居环境整治照片", "Send photos of the living environment every day"),
        ("环境整治前后对比照片上报", "Report photos of the environment before and after"),
        ("上报垃圾清理前后照片", "Report photos of waste removal"),
    ),
    "TX20": (
        ("统一流转农户承包土地连片种植", "Transfer all farmers' contracted land for one crop"),
        ("强制农户流转承包地", "Force farmers to transfer their contracted land"),
        ("限期完成土地流转面积任务", "Transfer so much land by a date"),
    ),
    "TX21": (
        ("宅基地审批收取保证金", "Collect a security deposit for approving homesteads"),
        ("向建房户收取宅基地押金", "Collect homestead deposits from households that build"),
        ("建房须缴纳押金", "Builders of houses pay a deposit"),
    ),
    "TX22": (
        ("动员村民网络投票", "Get villagers to vote online"),
        ("组织村民为评选活动刷票", "Have villagers cast votes for a contest again and again"),
        ("发动群众给景区投票", "Have people vote for a scenic spot"),
    ),
    "TX23": (
        ("逐户采集村民人脸照片", "Collect photos of villagers' faces from house to house"),
        ("入户采集村民生物信息", "Collect biometric data door to door"),
        ("逐户录入人脸", "Record faces house by house"),
    ),
    "TX24": (
        ("完成每月交通劝导数量指标", "Meet the monthly quota of traffic guidance"),
        ("交通违法劝导任务考核排名", "Rank villages by their traffic guidance"),
        ("每月劝导交通违法不少于50人次", "Talk to at least 50 traffic offenders a month"),
    ),
    "TX25": (
        ("代收行政处罚决定书", "Accept penalty decisions in place of the addressee"),
        ("村干部代签执法文书", "Village cadres sign for enforcement documents"),
        ("替执法局送达处罚文书", "Deliver penalty documents for the enforcement bureau"),
    ),
}
