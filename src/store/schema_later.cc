#include "store/schema_later.h"

#include <string_view>

// A step is never changed once it is out: what is in databases was made by it.
namespace sekisho::store {

// Who works at the desk, and what they did.
const std::string_view kStepStaff = R"sql(
CREATE TABLE operators (
    name TEXT PRIMARY KEY,
    roles TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    totp_key BLOB NOT NULL,
    totp_last_step INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE operator_recovery (
    name TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    PRIMARY KEY (name, digest)
) WITHOUT ROWID;
CREATE TABLE operator_sessions (
    digest BLOB PRIMARY KEY,
    name TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    address TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX operator_sessions_name ON operator_sessions (name, created);
CREATE TABLE operator_tokens (
    digest BLOB PRIMARY KEY,
    name TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
    label TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,  -- 0: never
    last_used INTEGER NOT NULL,  -- 0: never yet
    UNIQUE (name, label)
) WITHOUT ROWID;
-- Answers to writes that had an Idempotency-Key; status 0: being done.
CREATE TABLE answered (
    who TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (who, key)
) WITHOUT ROWID;
CREATE INDEX answered_at ON answered (at);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    how TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL,
    previous BLOB NOT NULL,
    digest BLOB NOT NULL
);
CREATE INDEX audit_who ON audit (who, number);
CREATE INDEX audit_subject ON audit (subject, number);
CREATE TRIGGER audit_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;
CREATE TRIGGER audit_deleted BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;
)sql";

// Addresses elsewhere that accounts may send as, and the codes that were mailed lately. The logins
// may be of accounts that live in another system.
const std::string_view kStepSendAs = R"sql(
CREATE TABLE send_as (
    login TEXT NOT NULL,
    address TEXT NOT NULL,
    code_digest TEXT NOT NULL,
    code_expires INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    created INTEGER NOT NULL,
    proven INTEGER NOT NULL,  -- 0: not yet
    vouched TEXT NOT NULL,
    outlook TEXT NOT NULL,
    PRIMARY KEY (login, address)
) WITHOUT ROWID;
CREATE INDEX send_as_code ON send_as (code_digest) WHERE code_digest <> '';
CREATE TRIGGER send_as_orphaned AFTER DELETE ON accounts
    BEGIN DELETE FROM send_as WHERE login = old.login; END;
CREATE TABLE send_as_codes (
    at INTEGER NOT NULL,
    login TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX send_as_codes_login ON send_as_codes (login, at);
CREATE INDEX send_as_codes_address ON send_as_codes (address, at);
)sql";

// Addresses that lead to others. Targets with a space between.
const std::string_view kStepForwards = R"sql(
CREATE TABLE aliases (
    address TEXT PRIMARY KEY,
    targets TEXT NOT NULL,
    changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE forwards (
    login TEXT PRIMARY KEY REFERENCES accounts (login) ON DELETE CASCADE,
    targets TEXT NOT NULL,
    keep INTEGER NOT NULL,
    changed INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// Recipients that are refused, and the bounces that lead to it.
const std::string_view kStepSuppression = R"sql(
CREATE TABLE suppression (
    recipient TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,  -- 0: until it is removed
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    bounces INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX suppression_until ON suppression (until);
CREATE TABLE recipient_bounces (
    recipient TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX recipient_bounces_recipient ON recipient_bounces (recipient, at);
CREATE INDEX recipient_bounces_at ON recipient_bounces (at);
)sql";

// Rows are found by blocks of hashes now (event_index.h): seven B-trees cost several times as much
// as the row. What is there already gets its blocks as new rows come.
const std::string_view kStepEventIndex = R"sql(
DROP INDEX events_address;
DROP INDEX events_line;
DROP INDEX events_account;
DROP INDEX events_queue_id;
DROP INDEX events_message_id;
DROP INDEX events_recipient;
DROP INDEX events_reference;
CREATE TABLE event_blocks (
    last INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
);
CREATE TABLE event_keys (id INTEGER PRIMARY KEY, keys BLOB NOT NULL);
)sql";

// Who is signed in to the subscriber's own page, by digests of tokens only; and what is chosen
// there.
const std::string_view kStepMy = R"sql(
ALTER TABLE accounts ADD COLUMN stays_home INTEGER NOT NULL DEFAULT 0;
CREATE TABLE web_sessions (
    digest TEXT PRIMARY KEY,
    login TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    password_mark TEXT NOT NULL,
    address TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    by_link INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX web_sessions_login ON web_sessions (login);
CREATE TABLE web_links (
    digest TEXT PRIMARY KEY,
    login TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    made_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX web_links_login ON web_links (login);
)sql";

// Exemptions that subscribers ask for.
const std::string_view kStepRequests = R"sql(
CREATE TABLE exemption_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL,
    line TEXT NOT NULL,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    reason TEXT NOT NULL,
    created INTEGER NOT NULL,
    state TEXT NOT NULL,
    changed INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    why TEXT NOT NULL,
    reverse_name TEXT NOT NULL,
    findings TEXT NOT NULL,
    checked INTEGER NOT NULL,  -- 0: never yet
    lease INTEGER NOT NULL,    -- 0: none
    told TEXT NOT NULL         -- the state that its owner knows of
);
CREATE INDEX exemption_requests_login ON exemption_requests (login, id);
CREATE INDEX exemption_requests_state ON exemption_requests (state, id);
CREATE INDEX exemption_requests_untold ON exemption_requests (id) WHERE told != state;
)sql";

// Of lines, as `conduct` of accounts.
const std::string_view kStepConductOfLines = R"sql(
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
const std::string_view kStepReports = R"sql(
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
const std::string_view kStepPeerPast = R"sql(
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

const std::string_view kStepTimeZones = R"sql(
ALTER TABLE accounts ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
)sql";

const std::string_view kStepOctets = R"sql(
ALTER TABLE events ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
)sql";

const std::string_view kStepSenderRights = R"sql(
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
