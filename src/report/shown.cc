#include "report/shown.h"

#include "report/hint.h"
#include "report/ledger.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace sekisho::report {

ShownJson shown(const CountedFailure& one) {
    return ShownJson{
        {"type", one.failure.type},
        {"count", one.count},
        {"mx_host", one.failure.mx_host},
        {"mx_ip", one.failure.mx_ip},
        {"sending_ip", one.failure.sending_ip},
        {"reason", one.failure.reason},
        {"hint", hint(one.failure)}
    };
}

ShownJson shown(const std::vector<SourceSum>& sources) {
    ShownJson rows = ShownJson::array();
    for (const SourceSum& one : sources) {
        rows.push_back(
            {{"source", one.source},
             {"header_from", one.header_from},
             {"passed", one.passed},
             {"failed", one.failed},
             {"refused", one.refused},
             {"reporters", one.reporters},
             {"hint", hint(one)}}
        );
    }
    return rows;
}

ShownJson shown(const std::vector<TlsSum>& sums) {
    ShownJson rows = ShownJson::array();
    for (const TlsSum& one : sums) {
        ShownJson failures = ShownJson::array();
        std::uint64_t failed = 0;
        for (const CountedFailure& failure : one.failures) {
            failed += failure.count;
            failures.push_back(shown(failure));
        }
        rows.push_back(
            {{"organization", one.organization},
             {"domain", one.domain},
             {"policy_type", one.policy_type},
             {"succeeded", one.succeeded},
             {"failed", failed},
             {"failures", std::move(failures)}}
        );
    }
    return rows;
}

}  // namespace sekisho::report
