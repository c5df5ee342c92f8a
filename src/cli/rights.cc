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
#include <type_traits>
#include <unistd.h>

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

Status drop_rights(const config::Config& config) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(errno_error("no_new_privs"));
    }
    if (geteuid() == 0 && !config.user.empty()) {
        if (Status changed = change_user(config.user); !changed) {
            return changed;
        }
    }
    const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> none(cap_init(), cap_free);
    if (!none) {
        return fail(errno_error("capabilities"));
    }
    // libpsx makes this hold for every thread of the process.
    if (cap_set_proc(none.get()) != 0) {
        return fail(errno_error("dropping capabilities"));
    }
    return {};
}

}  // namespace sekisho::cli
