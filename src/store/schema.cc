#include "store/schema.h"

#include "store/schema_later.h"

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

}  // namespace

std::span<const std::string_view> schema_steps() {
    static const std::array<std::string_view, 22> kSteps{
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
        kStepTimeZones,
        kStepOctets,
        kStepSenderRights
    };
    return kSteps;
}

}  // namespace sekisho::store
