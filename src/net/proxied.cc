#include "net/proxied.h"

#include "base/result.h"
#include "base/time.h"
#include "net/proxy_protocol.h"
#include "net/stream.h"
#include "net/task.h"

#include <cstddef>
#include <span>
#include <string>

namespace sekisho::net {

Task<Status> take_proxy_header(Stream& stream, Duration timeout) {
    stream.expires_after(timeout);
    std::string header;
    ProxyReading reading = read_proxy_header(header);
    while (reading.state == ProxyReading::State::More) {
        const std::size_t before = header.size();
        header.resize(before + reading.wanted);
        const std::span<char> room(header.data() + before, reading.wanted);
        const Result<std::size_t> got = co_await stream.read_some(room);
        if (!got) {
            co_return fail(got.error());
        }
        header.resize(before + *got);
        reading = read_proxy_header(header);
    }
    if (reading.state == ProxyReading::State::Bad) {
        co_return fail(Errc::Invalid, "no PROXY header from " + stream.peer().text());
    }
    if (const auto& told = reading.header.addresses) {
        stream.assume(told->client, told->server);
    }
    co_return Status{};
}

}  // namespace sekisho::net
