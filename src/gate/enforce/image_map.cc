#include "gate/enforce/image_map.h"

#include "base/result.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/image.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace sekisho::gate {

Error bpf_error(const std::string& what, int error) {
    Error out = errno_error(what, error);
    if (error == EPERM || error == EACCES) {
        out.code = Errc::Denied;
        out.message +=
            "; the gate needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root (gate.engine = "
            "\"nftables\" needs CAP_NET_ADMIN only)";
    }
    return out;
}

Result<int> make_image_map(const Image& image) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP;
    const int map = bpf_map_create(
        BPF_MAP_TYPE_ARRAY,
        "sekisho_image",
        sizeof(std::uint32_t),
        GATE_CHUNK_SIZE,
        static_cast<std::uint32_t>(image.chunks()),
        &options
    );
    const std::size_t size = image.chunks() * GATE_CHUNK_SIZE;
    if (map < 0) {
        return fail(bpf_error(
            "a policy map of " + std::to_string(size >> 20U) + " MiB in the kernel", errno
        ));
    }
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    if (memory == MAP_FAILED) {
        const Error error = bpf_error("mapping the policy map", errno);
        close(map);
        return fail(error);
    }
    image.write({static_cast<std::byte*>(memory), size});
    munmap(memory, size);
    return map;
}

}  // namespace sekisho::gate
