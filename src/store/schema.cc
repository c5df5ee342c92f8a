#include "store/schema.h"

#include "store/schema_late.h"

#include <array>
#include <span>
#include <string_view>

namespace sekisho::store {
namespace {

// Times are milliseconds of UTC. Empty text stands for "not known", so that no column is NULL and
// the partial indexes of `events` hold only what can be looked for.
constexpr std::string_view kStep1 = R"sql(
CREATE TABLE settings (
    key TEXT PRIMARY KEY, value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
    login TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    line TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    disabled_reason TEXT NOT NULL,
    argon2id TEXT NOT NULL,
    scram_salt BLOB NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_stored_key BLOB NOT NULL,
    scram_server_key BLOB NOT NULL,
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE account_addresses (
    address TEXT PRIMARY KEY,
    login TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    position INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX account_addresses_login ON account_addresses (login, position);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    nas TEXT NOT NULL,
    session TEXT NOT NULL,
    line TEXT NOT NULL,
    realm TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL,  -- kOpenEnd while it is open
    seen INTEGER NOT NULL
);
CREATE INDEX sessions_key ON sessions (nas, session);
CREATE INDEX sessions_line ON sessions (line, started);
CREATE INDEX sessions_open ON sessions (nas) WHERE ended = 9223372036854775807;
CREATE INDEX sessions_ended ON sessions (ended);

-- One row a prefix and session. `first` is the prefix's first address in 16 bytes (IPv4 as
-- ::ffff:a.b.c.d) and `length` counts those bits, so that who holds an address is asked with one
-- equality for each length in use.
CREATE TABLE held (
    first BLOB NOT NULL,
    length INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    started INTEGER NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    PRIMARY KEY (first, length, ended, started, session)
) WITHOUT ROWID;
CREATE INDEX held_session ON held (session);
CREATE TABLE held_lengths (length INTEGER PRIMARY KEY);

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    address TEXT NOT NULL,
    line TEXT NOT NULL,
    account TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    rule TEXT NOT NULL,
    count INTEGER NOT NULL,
    detail TEXT NOT NULL,
    reference TEXT NOT NULL
);
-- Each ends with the time and the id, in which order rows are read.
CREATE INDEX events_at ON events (at);
CREATE INDEX events_kind ON events (kind, at);
CREATE INDEX events_address ON events (address, at) WHERE address <> '';
CREATE INDEX events_line ON events (line, at) WHERE line <> '';
CREATE INDEX events_account ON events (account, at) WHERE account <> '';
CREATE INDEX events_queue_id ON events (queue_id, at) WHERE queue_id <> '';
CREATE INDEX events_message_id ON events (message_id, at) WHERE message_id <> '';
CREATE INDEX events_recipient ON events (recipient, at) WHERE recipient <> '';
CREATE INDEX events_reference ON events (reference, at) WHERE reference <> '';
)sql";

constexpr std::string_view kStep2 = R"sql(
CREATE TABLE leases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    prefix TEXT NOT NULL,  -- or
    line TEXT NOT NULL,
    class TEXT NOT NULL,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    reverse_name TEXT NOT NULL,
    unlisted INTEGER NOT NULL,
    connections_per_day INTEGER NOT NULL,
    checked INTEGER NOT NULL,  -- 0: never yet
    ended INTEGER NOT NULL,  -- kOpenEnd while it lives
    ended_by TEXT NOT NULL,
    ended_reason TEXT NOT NULL
);
CREATE UNIQUE INDEX leases_living ON leases (kind, prefix, line)
    WHERE ended = 9223372036854775807;
CREATE INDEX leases_ended ON leases (ended);
-- One row, counted up by every change, so that a gate sees with one read that there was none.
CREATE TABLE leases_version (version INTEGER NOT NULL);
INSERT INTO leases_version VALUES (0);
CREATE TRIGGER leases_added AFTER INSERT ON leases
    BEGIN UPDATE leases_version SET version = version + 1; END;
CREATE TRIGGER leases_changed AFTER UPDATE ON leases
    BEGIN UPDATE leases_version SET version = version + 1; END;
CREATE TRIGGER leases_deleted AFTER DELETE ON leases
    BEGIN UPDATE leases_version SET version = version + 1; END;
)sql";

// PortSet::packed(); 0 is every port.
constexpr std::string_view kStep3 = R"sql(
ALTER TABLE sessions ADD COLUMN ports INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::string_view kStep4 = R"sql(
CREATE TABLE evidence_cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    line TEXT NOT NULL,  -- or
    prefix TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    begun INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    erase_at INTEGER NOT NULL,
    stopped INTEGER NOT NULL,  -- kOpenEnd when it was not
    stopped_by TEXT NOT NULL,
    erased INTEGER NOT NULL,
    lost INTEGER NOT NULL
);
-- Written and deleted only by connections that overwrite what they delete.
CREATE TABLE evidence_records (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES evidence_cases (id),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    client TEXT NOT NULL,
    server TEXT NOT NULL,
    to_server INTEGER NOT NULL,
    rule TEXT NOT NULL,
    outcome INTEGER NOT NULL,
    count INTEGER NOT NULL
);
CREATE INDEX evidence_records_case ON evidence_records (case_id);
)sql";

// Accounts bring the hashes of other systems along, and have passwords for single devices.
constexpr std::string_view kStep5 = R"sql(
ALTER TABLE accounts RENAME COLUMN argon2id TO password_hash;

CREATE TABLE app_passwords (
    login TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    name TEXT NOT NULL,
    selector TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    scram_salt BLOB NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_stored_key BLOB NOT NULL,
    scram_server_key BLOB NOT NULL,
    allowed_from TEXT NOT NULL,  -- prefixes with a space between; empty: everywhere
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,  -- 0: never
    last_used INTEGER NOT NULL,  -- 0: never yet
    last_address TEXT NOT NULL,
    PRIMARY KEY (login, name),
    UNIQUE (login, selector)
) WITHOUT ROWID;

-- The last success of each account from each address, and the failures of the last hour.
CREATE TABLE login_successes (
    login TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    address TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (login, address)
) WITHOUT ROWID;
CREATE INDEX login_successes_at ON login_successes (at);
CREATE TABLE login_failures (
    at INTEGER NOT NULL,
    login TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX login_failures_at ON login_failures (at);
)sql";

constexpr std::string_view kStep6 = R"sql(
CREATE TABLE greylist (
    key TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX greylist_last ON greylist (last);
)sql";

// Counters of limits, in microseconds, and digests of who has written to whom.
constexpr std::string_view kStep7 = R"sql(
CREATE TABLE limit_states (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    day INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    used INTEGER NOT NULL,
    recovered INTEGER NOT NULL,
    PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE INDEX limit_states_recovered ON limit_states (recovered);
CREATE TABLE acquaintances (
    pair INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);
CREATE INDEX acquaintances_last ON acquaintances (last);
)sql";

// Accounts that were misused. Scores in thousandths; evidence a line each.
constexpr std::string_view kStep8 = R"sql(
CREATE TABLE conduct (
    account TEXT PRIMARY KEY,
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

// Policies of others as they were fetched.
constexpr std::string_view kStep9 = R"sql(
CREATE TABLE mta_sts (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    fetched INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX mta_sts_expires ON mta_sts (expires);
)sql";

// Who works at the desk, and what they did.
constexpr std::string_view kStepStaff = R"sql(
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
constexpr std::string_view kStepSendAs = R"sql(
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
constexpr std::string_view kStepForwards = R"sql(
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
constexpr std::string_view kStepSuppression = R"sql(
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
constexpr std::string_view kStepEventIndex = R"sql(
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
constexpr std::string_view kStepMy = R"sql(
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
constexpr std::string_view kStepRequests = R"sql(
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

constexpr std::array<std::string_view, 20> kSteps{
    kStep1,
    kStep2,
    kStep3,
    kStep4,
    kStep5,
    kStep6,
    kStep7,
    kStep8,
    kStep9,
    kStepStaff,
    kStepSendAs,
    kStepForwards,
    kStepSuppression,
    kStepEventIndex,
    kStepMy,
    kStepRequests,
    kStepConductOfLines,
    kStepReports,
    kStepPeerPast,
    kStepSenderRights
};

}  // namespace

std::span<const std::string_view> schema_steps() {
    return kSteps;
}

}  // namespace sekisho::store
