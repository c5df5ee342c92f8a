// Giving up rights once ports are bound.
#include "base/result.h"
#include "cli/role.h"
#include "config/config.h"

#include <cerrno>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <string>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace sekisho::cli {
namespace {

Status change_user(const std::string& user) {
    errno = 0;
    const passwd* entry = getpwnam(user.c_str());
    if (entry == nullptr) {
        return fail(Errc::NotFound, "user: there is no user \"" + user + "\"");
    }
    // glibc changes the ids of all threads; leaving root clears their capabilities.
    if (initgroups(user.c_str(), entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0) {
        return fail(errno_error("changing to user " + user));
    }
    return {};
}

}  // namespace

Status drop_rights(const config::Config& config, const std::vector<std::string>& keep) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(errno_error("no_new_privs"));
    }
    if (geteuid() == 0 && !config.user.empty()) {
        if (Status changed = change_user(config.user); !changed) {
            return changed;
        }
    }
    const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> wanted(
        cap_init(), cap_free
    );
    if (!wanted) {
        return fail(errno_error("capabilities"));
    }
    std::vector<cap_value_t> values;
    for (const std::string& name : keep) {
        cap_value_t value = 0;
        if (cap_from_name(name.c_str(), &value) == 0) {
            values.push_back(value);
        }
    }
    if (!values.empty() && geteuid() == 0) {
        for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE}) {
            cap_set_flag(
                wanted.get(), set, static_cast<int>(values.size()), values.data(), CAP_SET
            );
        }
    }
    // libpsx makes this hold for every thread of the process.
    if (cap_set_proc(wanted.get()) != 0) {
        return fail(errno_error("dropping capabilities"));
    }
    return {};
}

}  // namespace sekisho::cli
