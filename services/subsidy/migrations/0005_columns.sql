-- Everybody is read at once: the registers that have a row of somebody are one number, a bit for each register.

-- Numbers never change: they are bits in the rows of people and households. A register that the vocabulary gains comes
-- with columns, so with a migration, and gets its number there.
CREATE TABLE register_number (
    dataset text PRIMARY KEY,
    number smallint NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 62)
);
INSERT INTO register_number (dataset, number) VALUES
    ('alarm_110', 0), ('animal_health', 1), ('birth_family', 2), ('budget_execution', 3),
    ('child_welfare', 4), ('collective_assets', 5), ('conscription', 6), ('crime_record', 7),
    ('culture_tourism', 8), ('death_cause', 9), ('disability', 10), ('elderly_service', 11),
    ('emergency_mgmt', 12), ('employment', 13), ('family_economy_check', 14), ('farm_machinery', 15),
    ('farm_subsidy', 16), ('finance_credit', 17), ('fire_rescue', 18), ('forest_compensation', 19),
    ('forest_fire', 20), ('forest_rights', 21), ('funeral', 22), ('geohazard', 23),
    ('health_records', 24), ('land_contract', 25), ('market_entities', 26), ('marriage_reg', 27),
    ('medical_insurance', 28), ('party_members', 29), ('pop_registry', 30), ('poverty_monitor', 31),
    ('power_usage', 32), ('price_monitor', 33), ('real_estate', 34), ('reservoir_migrants', 35),
    ('residence_permit', 36), ('rural_housing', 37), ('skills_cert', 38), ('social_assistance', 39),
    ('social_card', 40), ('social_insurance', 41), ('social_orgs_work', 42), ('student_status', 43),
    ('toilet_revolution', 44), ('vehicle_driver', 45), ('veterans', 46), ('village_cadres', 47),
    ('village_funds_watch', 48), ('waste_sorting', 49), ('white_tea', 50);
GRANT SELECT ON register_number TO qingdan_app;
SELECT scope_as_reference('register_number');

ALTER TABLE person ADD COLUMN held bigint NOT NULL DEFAULT 0;
ALTER TABLE household ADD COLUMN held bigint NOT NULL DEFAULT 0;
-- Rows are seen by place, and numbers by who is somebody: all of them from the root.
SELECT set_config('app.actor', 'migration', true), set_config('app.division', '1', true);
UPDATE person p SET held = (
    SELECT coalesce(bit_or(1::bigint << n.number), 0) FROM register_number n WHERE n.dataset = ANY(p.registers)
);
UPDATE household h SET held = (
    SELECT coalesce(bit_or(1::bigint << n.number), 0) FROM register_number n WHERE n.dataset = ANY(h.registers)
);
SELECT set_config('app.actor', '', true), set_config('app.division', '', true);

-- A preview is written through a temporary table: COPY does not write under row-level security.
DO $body$ BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO qingdan_app', current_database());
END $body$;
