// What the reports need a store to keep: what was seen, which reports are under way, and what
// others reported to us. For a worker: may wait for the disk.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "report/dmarc.h"
#include "report/recorder.h"
#include "report/tls.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::report {

enum class Kind : std::uint8_t { Dmarc, Tls };
[[nodiscard]] std::string_view name(Kind kind);  // "dmarc", "tls"
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view text);

// A report of ours: one for each kind, day and domain.
struct Slot {
    Kind kind = Kind::Dmarc;
    Day day = 0;
    std::string domain;
    friend bool operator==(const Slot&, const Slot&) = default;
};

// What becomes of it. Waiting -> Made -> Done; Waiting -> Done where nobody wants it.
//
// Made is written before the mail goes into the spool under `queue_id`, Done when it is there: what
// is Made after a crash is in the spool, or was never put there, and the spool knows which.
struct Job {
    enum class State : std::uint8_t { Waiting, Made, Done };
    Slot slot;
    State state = State::Waiting;
    std::string id;                 // of the report
    std::string queue_id;           // of the mail; empty: there is none
    std::vector<std::string> open;  // URLs that have not taken it yet (RFC 8460 §5.4)
    int tries = 0;
    Time first_try{}, next_try{};
    std::string detail;       // what became of it, for people
    std::uint64_t count = 0;  // messages or sessions; filled in by due()
};
[[nodiscard]] std::string_view name(Job::State state);

struct DmarcDay {
    DmarcPolicy policy;
    std::vector<std::string> rua;
    std::string organization;
    std::vector<CountedRow> rows;
};

// A report of another about us.
struct Received {
    std::int64_t id = 0;
    Time at{};
    std::string from;       // of the mail; or the file's name
    bool verified = false;  // DMARC says that the mail is from there
    std::variant<DmarcReport, TlsReport> report;
};
struct ReceivedFacts {
    std::int64_t id = 0;
    Kind kind = Kind::Dmarc;
    Time at{};
    std::string from;
    bool verified = false;
    std::string organization, report_id, domain;
    Time begin{}, end{};
    std::uint64_t good = 0, bad = 0;  // messages that passed or failed, sessions
};

struct ReceivedQuery {
    std::string domain;  // empty: all
    Time since{};
    bool verified_only = false;
    std::size_t limit = 1000;
};
// Who sends as us: all reports together, the most failures first.
struct SourceSum {
    std::string source, header_from;
    std::uint64_t passed = 0, failed = 0;
    std::uint64_t refused = 0;  // of the failed, by quarantine or reject
    std::uint64_t reporters = 0;
    DmarcRow example;  // the most frequent one that failed, else that passed
};
// What others met on the way to us.
struct TlsSum {
    std::string domain, policy_type, organization;
    std::uint64_t succeeded = 0;
    std::vector<CountedFailure> failures;
};

class Ledger {
  public:
    virtual ~Ledger() = default;

    // Adds up; how many of the batch's observations found no room: a domain has kRowsMax a day.
    [[nodiscard]] virtual Result<std::uint64_t> add(const Batch& batch) = 0;

    // Every slot of a day before `until` that isn't Done, the oldest first.
    [[nodiscard]] virtual Result<std::vector<Job>> due(Day until, std::size_t limit) = 0;
    [[nodiscard]] virtual Result<std::vector<Job>> jobs(Job::State state) = 0;
    [[nodiscard]] virtual Result<std::optional<Job>> job(const Slot& slot) = 0;
    [[nodiscard]] virtual Result<DmarcDay> dmarc_day(const Slot& slot) = 0;
    [[nodiscard]] virtual Result<std::vector<TlsResult>> tls_day(const Slot& slot) = 0;
    // Durable when it returns. Done erases what the report was made of.
    virtual Status put(const Job& job) = 0;

    // False: the same report is there already (RFC 9990 §3.5.4).
    [[nodiscard]] virtual Result<bool> receive(const Received& received) = 0;
    [[nodiscard]] virtual Result<std::vector<ReceivedFacts>> received(const ReceivedQuery& query
    ) = 0;
    [[nodiscard]] virtual Result<Received> received(std::int64_t id) = 0;
    [[nodiscard]] virtual Result<std::vector<SourceSum>> sources(const ReceivedQuery& query) = 0;
    [[nodiscard]] virtual Result<std::vector<TlsSum>> tls_sums(const ReceivedQuery& query) = 0;

    // Observations and jobs of days before, and reports that came before.
    virtual Result<std::int64_t> forget(Day seen_before, Time received_before) = 0;
};

inline constexpr std::uint64_t kRowsMax = 10'000;  // different ones of a domain and a day

}  // namespace sekisho::report
