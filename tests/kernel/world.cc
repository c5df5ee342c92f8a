#include "kernel/world.h"

#include "base/ip.h"
#include "gate/enforce/command.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sekisho::kernel_test {
namespace {

void in_namespace(const std::string& name, const std::function<void()>& work) {
    std::thread thread([&] {
        const int fd = open(("/var/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
            std::abort();  // the rest would run in the machine's own network
        }
        close(fd);
        work();
    });
    thread.join();
}

struct Socket {
    sockaddr_storage storage{};
    socklen_t size = 0;
};
Socket to_socket(const Endpoint& endpoint) {
    Socket out;
    if (endpoint.address.is_v4()) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(endpoint.port);
        in.sin_addr.s_addr = htonl(endpoint.address.to_v4());
        std::memcpy(&out.storage, &in, sizeof(in));
        out.size = sizeof(in);
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(endpoint.port);
        std::memcpy(&in.sin6_addr, endpoint.address.bytes().data(), 16);
        std::memcpy(&out.storage, &in, sizeof(in));
        out.size = sizeof(in);
    }
    return out;
}

// No lingering states: tests make many connections.
void end(int fd) {
    const linger gone{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &gone, sizeof(gone));
    close(fd);
}

// 0, or errno; `fd` is open in any case.
int connect_here(const IpAddress& source, const Endpoint& destination, int wait_ms, int& fd) {
    const int family = source.is_v4() ? AF_INET : AF_INET6;
    fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const Socket from = to_socket({source, 0});
    const Socket to = to_socket(destination);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&from.storage), from.size) != 0) {
        return errno;
    }
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    pollfd wait{fd, POLLOUT, 0};
    if (poll(&wait, 1, wait_ms) != 1) {
        return ETIMEDOUT;
    }
    int result = 0;
    socklen_t size = sizeof(result);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size);
    return result;
}

}  // namespace

World::World() {
    const std::string id = std::to_string(getpid());
    client_ = "gate-c-" + id;
    router_ = "gate-r-" + id;
    server_ = "gate-s-" + id;
    for (const std::string& name : {client_, router_, server_}) {
        run({"netns", "add", name});
        run({"-n", name, "link", "set", "lo", "up"});
    }
    run(
        {"-n",
         client_,
         "link",
         "add",
         "sub0",
         "type",
         "veth",
         "peer",
         "name",
         "in0",
         "netns",
         router_}
    );
    run(
        {"-n",
         server_,
         "link",
         "add",
         "srv0",
         "type",
         "veth",
         "peer",
         "name",
         "out0",
         "netns",
         router_}
    );
    struct Address {
        const std::string& space;
        const char* device;
        std::vector<const char*> addresses;
    };
    const std::vector<Address> all{
        {client_,
         "sub0",
         {"198.51.100.1/24", "198.51.100.2/24", "2001:db8:1::1/64", "2001:db8:1::2/64"}},
        {router_, "in0", {"198.51.100.254/24", "2001:db8:1::fe/64"}},
        {router_, "out0", {"203.0.113.254/24", "2001:db8:f::fe/64"}},
        {server_, "srv0", {"203.0.113.9/24", "2001:db8:f::9/64"}},
    };
    for (const Address& one : all) {
        for (const std::string address : one.addresses) {
            std::vector<std::string> words{
                "-n", one.space, "addr", "add", address, "dev", one.device
            };
            if (address.find(':') != std::string::npos) {
                words.emplace_back("nodad");
            }
            run(words);
        }
        run({"-n", one.space, "link", "set", one.device, "up"});
    }
    run({"-n", client_, "route", "add", "default", "via", "198.51.100.254"});
    run({"-n", client_, "-6", "route", "add", "default", "via", "2001:db8:1::fe"});
    run({"-n", server_, "route", "add", "default", "via", "203.0.113.254"});
    run({"-n", server_, "-6", "route", "add", "default", "via", "2001:db8:f::fe"});
    if (!problem_.empty()) {
        return;
    }
    in_router([] {
        for (const char* path :
             {"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"}) {
            const int fd = open(path, O_WRONLY | O_CLOEXEC);
            (void)!write(fd, "1", 1);
            close(fd);
        }
    });
    listen_on(25);
    listen_on(587);
}

World::~World() {
    for (const int fd : listeners_) {
        close(fd);
    }
    for (const std::string& name : {client_, router_, server_}) {
        (void)gate::run_command("ip", {"netns", "del", name}, "");
    }
}

void World::run(const std::vector<std::string>& arguments) {
    const auto said = gate::run_command("ip", arguments, "");
    if (problem_.empty() && (!said || said->status != 0)) {
        problem_ = "ip";
        for (const std::string& word : arguments) {
            problem_ += " " + word;
        }
        problem_ += ": " + (said ? said->err : said.error().message);
    }
}

void World::listen_on(std::uint16_t port) {
    in_server([&] {
        const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);  // takes IPv4 too
        const int no = 0;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(port);
        if (bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 ||
            listen(fd, 4096) != 0) {
            problem_ = "listening on port " + std::to_string(port) + ": " + std::strerror(errno);
        }
        listeners_.push_back(fd);
    });
}

void World::in_client(const std::function<void()>& work) const {
    in_namespace(client_, work);
}
void World::in_router(const std::function<void()>& work) const {
    in_namespace(router_, work);
}
void World::in_server(const std::function<void()>& work) const {
    in_namespace(server_, work);
}

int World::connect_from(const IpAddress& source, const Endpoint& destination, int wait_ms) const {
    int result = 0;
    in_client([&] {
        int fd = -1;
        result = connect_here(source, destination, wait_ms, fd);
        end(fd);
    });
    return result;
}

std::string World::first_line(const IpAddress& source, const Endpoint& destination) const {
    static constexpr int kSilenceMs = 300;
    std::string out;
    in_client([&] {
        int fd = -1;
        if (connect_here(source, destination, 5000, fd) == 0) {
            pollfd wait{fd, POLLIN, 0};
            char c = 0;
            while (!out.ends_with('\n') && poll(&wait, 1, kSilenceMs) == 1 &&
                   recv(fd, &c, 1, 0) == 1) {
                out += c;
            }
        }
        end(fd);
    });
    return out;
}

}  // namespace sekisho::kernel_test
