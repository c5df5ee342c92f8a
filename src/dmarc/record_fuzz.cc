// Any text as the DMARC record of every name of a walk: the check ends, and errors ask for nothing.
#include "base/assert.h"
#include "base/bytes.h"
#include "dmarc/check.h"
#include "dmarc/record.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace sekisho;
using namespace sekisho::dmarc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::vector<std::string_view> lines = split(text, '\n');
    if (const auto record = parse_record(lines.front())) {
        SEKISHO_ASSERT(record->usable || record->policy == Policy::None);
    }
    Input input;
    input.author = std::string(lines.front());
    for (const std::string_view line : lines) {
        input.identifiers.push_back({Method::Dkim, Status::Pass, std::string(line)});
    }
    Answers answers;
    Step step = check(input, answers);
    std::size_t rounds = 0;
    while (const auto* questions = std::get_if<Questions>(&step)) {
        SEKISHO_ASSERT(!questions->empty() && ++rounds < 4);
        for (const std::string& name : *questions) {
            Answer answer;
            answer.texts.emplace_back(lines[name.size() % lines.size()]);
            SEKISHO_ASSERT(answers.emplace(name, std::move(answer)).second);
        }
        step = check(input, answers);
    }
    const Outcome& outcome = std::get<Outcome>(step);
    SEKISHO_ASSERT(outcome.result == Result::Fail || outcome.disposition == Policy::None);
    SEKISHO_ASSERT(outcome.aligned.empty() == (outcome.result != Result::Pass));
    return 0;
}
