#include "gate/enforce/interfaces.h"

#include "base/ip.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <set>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace sekisho::gate {
namespace {

ifreq request(const std::string& name) {
    ifreq out{};
    const std::size_t size = std::min(name.size(), sizeof(out.ifr_name) - 1);
    std::memcpy(&out.ifr_name[0], name.data(), size);
    return out;
}

// A socket only to ask the kernel questions.
class Asker {
  public:
    Asker() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    ~Asker() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;
    bool ask(unsigned long what, ifreq& about) const { return ioctl(fd_, what, &about) == 0; }

  private:
    int fd_;
};

}  // namespace

std::vector<Interface> list_interfaces() {
    std::vector<Interface> out;
    struct if_nameindex* all = if_nameindex();
    if (all == nullptr) {
        return out;
    }
    const Asker asker;
    for (const struct if_nameindex* one = all; one->if_index != 0; ++one) {
        Interface found;
        found.name = one->if_name;
        found.index = one->if_index;
        ifreq about = request(found.name);
        if (asker.ask(SIOCGIFFLAGS, about)) {
            const auto flags = static_cast<unsigned>(about.ifr_flags);
            found.up = (flags & IFF_UP) != 0;
            found.loopback = (flags & IFF_LOOPBACK) != 0;
            out.push_back(found);
        }
    }
    if_freenameindex(all);
    return out;
}

std::set<IpAddress> own_addresses() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return {};
    }
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
    std::set<IpAddress> out;
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_LOOPBACK) != 0) {
            continue;
        }
        if (one->ifa_addr->sa_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, one->ifa_addr, sizeof v4);
            out.insert(IpAddress::v4(ntohl(v4.sin_addr.s_addr)));
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            sockaddr_in6 v6{};
            std::memcpy(&v6, one->ifa_addr, sizeof v6);
            std::array<std::uint8_t, 16> bytes{};
            std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
            if (!IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) {
                out.insert(IpAddress::v6(bytes));
            }
        }
    }
    return out;
}

std::string driver_of(const std::string& name) {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    ifreq about = request(name);
    about.ifr_data = reinterpret_cast<char*>(&info);
    const Asker asker;
    return asker.ask(SIOCETHTOOL, about) ? std::string(&info.driver[0]) : std::string();
}

}  // namespace sekisho::gate
