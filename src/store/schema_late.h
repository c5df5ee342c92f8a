// The steps of the schema from the 17th on, so that no file of them grows too long.
#pragma once

#include <string_view>

namespace sekisho::store {

// Of lines, as `conduct` of accounts.
inline constexpr std::string_view kStepConductOfLines = R"sql(
CREATE TABLE conduct_of_lines (
    line TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    since INTEGER NOT NULL,
    score INTEGER NOT NULL,
    scored INTEGER NOT NULL,
    suspicious INTEGER NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    evidence TEXT NOT NULL,
    exempt INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// What reports to other domains are made of, which of them are under way, and reports of others.
inline constexpr std::string_view kStepReports = R"sql(
CREATE TABLE dmarc_seen (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    row TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, row)
) WITHOUT ROWID;
CREATE TABLE dmarc_published (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    policy TEXT NOT NULL,
    rua TEXT NOT NULL,
    organization TEXT NOT NULL,
    PRIMARY KEY (day, domain)
) WITHOUT ROWID;
CREATE TABLE tls_seen (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    policy TEXT NOT NULL,
    failure TEXT NOT NULL,  -- empty: none
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy, failure)
) WITHOUT ROWID;
CREATE TABLE report_jobs (
    kind TEXT NOT NULL,
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    state INTEGER NOT NULL,  -- report::Job::State
    id TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    open TEXT NOT NULL,
    tries INTEGER NOT NULL,
    first_try INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (kind, day, domain)
) WITHOUT ROWID;
CREATE INDEX report_jobs_state ON report_jobs (state);
CREATE TABLE received_reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    mail_from TEXT NOT NULL,
    verified INTEGER NOT NULL,
    organization TEXT NOT NULL,
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    begin INTEGER NOT NULL,
    end INTEGER NOT NULL,
    good INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    policy TEXT NOT NULL,
    UNIQUE (kind, organization, report_id, domain)
);
CREATE INDEX received_reports_at ON received_reports (at);
CREATE TABLE received_rows (
    report INTEGER NOT NULL,
    source TEXT NOT NULL,
    header_from TEXT NOT NULL,
    passed INTEGER NOT NULL,
    acted INTEGER NOT NULL,
    count INTEGER NOT NULL,
    row TEXT NOT NULL
);
CREATE INDEX received_rows_report ON received_rows (report);
CREATE TABLE received_tls (
    report INTEGER NOT NULL,
    domain TEXT NOT NULL,
    type TEXT NOT NULL,
    policy TEXT NOT NULL,
    failure TEXT NOT NULL,
    count INTEGER NOT NULL
);
CREATE INDEX received_tls_report ON received_tls (report);
)sql";

// What peers on port 25 brought, in thousandths, faded as of `last` (peer/past.h).
inline constexpr std::string_view kStepPeerPast = R"sql(
CREATE TABLE peer_past (
    key TEXT PRIMARY KEY,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX peer_past_last ON peer_past (last);
)sql";

// Who else may send as whom: delegates of an account, and which aliases name an address. The rows
// of alias_targets follow those of aliases by themselves (targets have a space between, and no
// quote). Logins of delegates may be of accounts that live in another system. And the language of
// notices.
inline constexpr std::string_view kStepSenderRights = R"sql(
CREATE TABLE delegates (
    owner TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    delegate TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (owner, delegate)
) WITHOUT ROWID;
CREATE INDEX delegates_delegate ON delegates (delegate, owner);
CREATE TRIGGER delegates_orphaned AFTER DELETE ON accounts
    BEGIN DELETE FROM delegates WHERE delegate = old.login; END;
CREATE TABLE alias_targets (
    target TEXT NOT NULL,
    address TEXT NOT NULL REFERENCES aliases (address) ON DELETE CASCADE,
    PRIMARY KEY (target, address)
) WITHOUT ROWID;
CREATE INDEX alias_targets_address ON alias_targets (address);
CREATE TRIGGER alias_targets_added AFTER INSERT ON aliases BEGIN
    INSERT OR IGNORE INTO alias_targets (target, address)
        SELECT value, new.address
        FROM json_each('["' || replace(new.targets, ' ', '","') || '"]');
END;
CREATE TRIGGER alias_targets_changed AFTER UPDATE ON aliases BEGIN
    DELETE FROM alias_targets WHERE address = new.address;
    INSERT OR IGNORE INTO alias_targets (target, address)
        SELECT value, new.address
        FROM json_each('["' || replace(new.targets, ' ', '","') || '"]');
END;
INSERT INTO alias_targets (target, address)
    SELECT DISTINCT value, address
    FROM aliases, json_each('["' || replace(targets, ' ', '","') || '"]');
ALTER TABLE accounts ADD COLUMN language TEXT NOT NULL DEFAULT '';
)sql";

}  // namespace sekisho::store
