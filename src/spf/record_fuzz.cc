// Any text as an SPF record, and as everything that its DNS answers: the check comes to an end
// within its bounds, and what it says is printable.
#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "spf/check.h"
#include "spf/macro.h"
#include "spf/received.h"
#include "spf/record.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace sekisho;
using namespace sekisho::spf;

namespace {

// One line of the input after the other answers the questions for TXT; names are its words.
Answer answer(const Question& question, const std::vector<std::string_view>& lines) {
    Answer out;
    const std::size_t at = std::hash<std::string>()(question.name) % lines.size();
    const std::string_view line = lines[at];
    switch (question.type) {
        case RecordType::Txt:
            out.texts.emplace_back(line);
            break;
        case RecordType::A:
        case RecordType::Aaaa:
            if (line.size() % 3 == 0) {
                out.kind = Answer::Kind::Failed;
            } else if (line.size() % 3 == 1) {
                out.addresses.push_back(IpAddress::v4(0xC0000201U));
            }
            break;
        case RecordType::Mx:
        case RecordType::Ptr:
            for (const std::string_view word : split(line, ' ')) {
                out.texts.emplace_back(word);
            }
            break;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::vector<std::string_view> lines = split(input, '\n');
    for (const std::string_view line : lines) {
        (void)parse_record(line);
        (void)parse_domain_spec(line);
    }
    Query query;
    query.client = IpAddress::v4(0xC0000201U);
    query.helo = std::string(lines.back());
    query.sender_local = std::string(lines.front().substr(0, 64));
    query.sender_domain = "example.net";
    Answers answers;
    answers[{RecordType::Txt, "example.net"}].texts.emplace_back(lines.front());
    Step step = check(query, answers);
    std::size_t rounds = 0;
    while (const auto* questions = std::get_if<Questions>(&step)) {
        SEKISHO_ASSERT(!questions->empty() && ++rounds < 50 && answers.size() < 300);
        for (const Question& question : *questions) {
            SEKISHO_ASSERT(answers.emplace(question, answer(question, lines)).second);
        }
        step = check(query, answers);
    }
    const Outcome& outcome = std::get<Outcome>(step);
    SEKISHO_ASSERT(outcome.problem.empty() || outcome.result >= Code::TempError);
    const std::string value = received_value(query, outcome);
    SEKISHO_ASSERT(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    return 0;
}
