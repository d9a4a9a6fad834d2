use super::Source;

/// Writes the list of files once: the name and the text of each.
macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        &[$(Source { name: $name, sql: include_str!(concat!("../../../migrations/", $name, ".sql")) }),*]
    };
}

/// Every migration, in the order of application. A test compares the list with the folder.
pub const FILES: &[Source] = sources![
    "0001_roles",
    "0002_directory",
    "0003_consumers",
    "0004_market",
    "0005_trading",
    "0006_alerts",
    "0007_events",
    "0008_platform_changes",
    "0009a_ticks_hypertable",
    "0009b_ticks_partitions",
    "0010_ticks_compression",
    "0011_bars_hypertable",
    "0012_notes_trigram",
    "0013_alert_evidence",
    "0014_ticks_other",
    "0015_people",
    "0016_audit",
    "0017_outbox",
    "0018_subjects",
    "0019_money",
    "0020_credentials",
    "0021_factors",
    "0022_keys",
    "0030_leads",
    "0031_lead_records",
    "0032_lead_work",
    "0040_kyc",
    "0050_sanctions",
    "0051_aml",
    "0052_compliance_calls",
    "0060_anonymous_events",
    "0065_demo_accounts",
    "0066_user_preferences",
    "0067_new_addresses",
    "0068_events_of_people",
    "0070_team_revisions",
    "0071_referrers_of_clients",
    "0073_lead_retention",
    "0076_semantic",
    "0077_semantic_vector",
    "0078_analytics",
    "0079_companies",
    "0080_list_files",
    "0084_holders",
    "0087_exact_caps",
    "0100_teams_of_clients",
    "0105_sealed_reasons",
    "0106_lead_territories",
    "0110_unbooked_orders",
    "0115_leads_without_territories",
    "0116_contacts_of_leads",
];
