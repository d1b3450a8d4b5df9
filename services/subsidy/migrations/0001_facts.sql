-- What the registers say of people, households and the county; a column for each fact of the vocabulary.

-- NULL is unknown, never false. Until its place is known a row belongs to the root, which only the service sees.
-- registers: the data sets of which a state is held; a fact that is NULL in a register held is unknown all the same.
CREATE TABLE person (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL DEFAULT 1 REFERENCES division,
    registers text [] NOT NULL,
    birth_date date,
    gender text,
    is_alive boolean,
    death_date date,
    hukou_local boolean,
    hukou_village_code text,
    hukou_rural boolean,
    serving_sentence boolean,
    public_payroll boolean,
    marital_status text,
    relation_to_head text,
    guardian_registered boolean,
    bank_card_active boolean,
    school_stage text,
    fulltime_enrolled boolean,
    boarding_student boolean,
    admitted_undergraduate_this_year boolean,
    employment_status text,
    public_welfare_job boolean,
    first_business_registration boolean,
    outside_work_months_year bigint,
    skill_cert_level bigint,
    monthly_income_fen bigint,
    resident_pension_receiving boolean,
    employee_pension_receiving boolean,
    resident_pension_insured boolean,
    work_injury_nursing_receiving boolean,
    medical_insured boolean,
    medical_premium_personal_fen bigint,
    medical_self_pay_fen_year bigint,
    disability_level bigint,
    disability_types text [],
    disability_cert_valid boolean,
    care_dependency text,
    wheelchair_vehicle_registered boolean,
    rehab_service_months_year bigint,
    is_tekun boolean,
    tekun_mode text,
    is_orphan boolean,
    orphan_care text,
    de_facto_unattended_child boolean,
    left_behind_child boolean,
    ecological_burial boolean,
    cremated boolean,
    child_count bigint,
    only_child_certificate boolean,
    rural_one_child_or_two_girls boolean,
    only_child_deceased boolean,
    only_child_disabled_grade bigint,
    birth_order bigint,
    village_doctor_years bigint,
    guardian_of_severe_mental_patient boolean,
    guardian_duty_incident_year boolean,
    veteran_rural boolean,
    conscript_service_years bigint,
    veteran_disability_grade bigint,
    veteran_disability_standard_fen_year bigint,
    veteran_nursing_standard_fen_month bigint,
    bereaved_family_registered boolean,
    bereaved_pension_standard_fen_year bigint,
    demobilised_before_1954_11 boolean,
    sick_returned_veteran boolean,
    war_or_nuclear_veteran boolean,
    martyr_child boolean,
    has_work_unit boolean,
    merit_award_class bigint,
    party_joined_before_1949_10 boolean,
    left_village_post_normally boolean,
    village_post_rank text,
    village_post_years bigint,
    discipline_sanction boolean,
    private_teacher_years bigint,
    film_projectionist_years bigint,
    animal_epidemic_worker_years bigint,
    collective_member boolean,
    ecological_ranger boolean,
    reservoir_migrant boolean,
    volunteer_hours_year bigint,
    mental_patient_followup boolean,
    last_health_check_date date,
    business_entity_code text,
    military_age_registered boolean,
    residence_since date,
    public_welfare_job_since date,
    business_registered_on date,
    graduated_on date,
    party_joined_on date,
    member_of_household text
) WITH (fillfactor = 70); -- each register that comes in changes the row; no index holds what changes often
CREATE INDEX person_division ON person (division_id);
CREATE INDEX person_household ON person (member_of_household);
GRANT SELECT, INSERT, UPDATE, DELETE ON person TO qingdan_app;
SELECT scope_by_division('person');

CREATE TABLE household (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL DEFAULT 1 REFERENCES division,
    registers text [] NOT NULL,
    household_code text,
    dibao_household boolean,
    dibao_edge_household boolean,
    household_size bigint,
    household_income_per_capita_fen_month bigint,
    household_property_ok boolean,
    low_income_farm_household boolean,
    poverty_relieved_household boolean,
    emergency_cause text,
    fire_loss_confirmed boolean,
    disaster_affected boolean,
    disaster_house_destroyed_rooms bigint,
    winter_hardship_confirmed boolean,
    electricity_kwh_month bigint,
    serving_conscript_in_household boolean,
    conscript_service_year bigint,
    contracted_farmland_mu_x100 bigint,
    farmland_abandoned boolean,
    grain_area_mu_x100 bigint,
    early_rice_area_mu_x100 bigint,
    rape_area_mu_x100 bigint,
    farmland_leased_in_mu_x100 bigint,
    tea_garden_area_mu_x100 bigint,
    tea_eco_upgrade_accepted boolean,
    machinery_subsidy_assessed_fen bigint,
    machinery_scrap_assessed_fen bigint,
    insurance_premium_fen bigint,
    culling_compensation_assessed_fen bigint,
    breeding_stock_count bigint,
    microloan_interest_paid_fen_quarter bigint,
    microloan_overdue boolean,
    toilet_retrofit_accepted boolean,
    ecological_forest_mu_x100 bigint,
    natural_commercial_forest_mu_x100 bigint,
    returned_farmland_mu_x100 bigint,
    house_danger_level text,
    only_house boolean,
    house_rebuild_accepted boolean,
    homestead_confirmed boolean,
    geohazard_relocation_done boolean,
    waste_sorting_score bigint,
    vaccinated_children_complete boolean,
    vehicle_count bigint,
    UNIQUE (household_code)
) WITH (fillfactor = 70);
CREATE INDEX household_division ON household (division_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON household TO qingdan_app;
SELECT scope_by_division('household');

-- The newest state heard of each data set of each subject, so that what comes late or twice changes nothing.
CREATE TABLE dataset_state (
    subject text NOT NULL,
    dataset text NOT NULL,
    system text NOT NULL,
    source_time timestamptz NOT NULL,
    present boolean NOT NULL,
    PRIMARY KEY (subject, dataset)
);
GRANT SELECT, INSERT, UPDATE ON dataset_state TO qingdan_app;
SELECT scope_to_service('dataset_state');

-- Of each register: how many subjects have ever arrived, people and households alike, and what all counties declared.
CREATE TABLE register_count (
    dataset text PRIMARY KEY,
    arrived bigint NOT NULL DEFAULT 0 CHECK (arrived >= 0),
    declared bigint NOT NULL DEFAULT 0 CHECK (declared >= 0)
);
GRANT SELECT, INSERT, UPDATE ON register_count TO qingdan_app;
SELECT scope_as_reference('register_count');

-- What a county says of itself: that a register is complete with so many subjects.
CREATE TABLE register_declared (
    division_id integer NOT NULL REFERENCES division,
    dataset text NOT NULL,
    subjects bigint NOT NULL CHECK (subjects >= 0),
    source_time timestamptz NOT NULL,
    PRIMARY KEY (division_id, dataset)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON register_declared TO qingdan_app;
SELECT scope_by_division('register_declared');

-- Parameters of a county's policy, each from a day on; without a value it is unknown from that day on.
CREATE TABLE county_parameter (
    division_id integer NOT NULL REFERENCES division,
    name text NOT NULL,
    effective_on date NOT NULL,
    dataset text NOT NULL,
    value_int bigint,
    value_bool boolean,
    value_text text,
    source_time timestamptz NOT NULL,
    PRIMARY KEY (division_id, name, effective_on),
    CHECK (num_nonnulls(value_int, value_bool, value_text) <= 1)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON county_parameter TO qingdan_app;
SELECT scope_by_division('county_parameter');

-- What arrived and says nothing to the rules: counted, so that a misspelt fact is seen; its value is not kept.
CREATE TABLE fact_ignored (
    dataset text NOT NULL,
    name text NOT NULL,
    times bigint NOT NULL CHECK (times >= 1),
    PRIMARY KEY (dataset, name)
);
GRANT SELECT, INSERT, UPDATE ON fact_ignored TO qingdan_app;
SELECT scope_as_reference('fact_ignored');

-- A person's identity as it came: sealed, and opened only to instruct a payment.
CREATE TABLE identity (
    person_id uuid PRIMARY KEY,
    keys jsonb NOT NULL,
    sealed jsonb NOT NULL,
    recorded_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity TO qingdan_app;
SELECT scope_to_service('identity');
