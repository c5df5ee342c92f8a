// Any bytes as names and greeting (one a line): the score is the sum of what is explained, the text
// is one printable line.
#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "peer/host_name.h"
#include "peer/judge.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace sekisho;
using namespace sekisho::peer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::vector<std::string_view> lines = split(input, '\n');
    Facts facts;
    facts.address =
        size % 2 == 0 ? *IpAddress::parse("126.12.34.56") : *IpAddress::parse("2001:db8::25");
    facts.helo = lines.front();
    facts.helo_leads_back = size % 3 == 0;
    facts.our_names = {"mx.example.net"};
    for (std::size_t i = 1; i < lines.size(); ++i) {
        facts.ptr_names.emplace_back(lines[i]);
        if (i % 2 == 0) {
            facts.confirmed.emplace_back(lines[i]);
        }
    }
    const Judgement judgement = judge(facts);
    int sum = 0;
    for (const Reason& reason : judgement.reasons) {
        sum += reason.weight;
    }
    SEKISHO_ASSERT(sum == judgement.score);
    SEKISHO_ASSERT(is_utf8(judgement.text()));
    SEKISHO_ASSERT(judgement.text().find('\n') == std::string::npos);
    return 0;
}
