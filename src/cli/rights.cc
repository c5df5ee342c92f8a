// Giving up rights once ports are bound.
#include "base/file.h"
#include "base/result.h"
#include "cli/role.h"
#include "config/config.h"

#include <cerrno>
#include <filesystem>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <string>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr mode_t kMaildirMode = 0700;

Status no_user(const std::string& user) {
    return fail(Errc::NotFound, "user: there is no user \"" + user + "\"");
}

Status change_user(const std::string& user) {
    errno = 0;
    const passwd* entry = getpwnam(user.c_str());
    if (entry == nullptr) {
        return no_user(user);
    }
    // glibc changes the ids of all threads; leaving root clears their capabilities.
    if (initgroups(user.c_str(), entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0) {
        return fail(errno_error("changing to user " + user));
    }
    return {};
}

}  // namespace

Status hand_over(const config::Config& config) {
    namespace fs = std::filesystem;
    if (geteuid() != 0 || config.user.empty()) {
        return {};
    }
    errno = 0;
    const passwd* entry = getpwnam(config.user.c_str());
    if (entry == nullptr) {
        return no_user(config.user);
    }
    if (config.delivery.local == "maildir") {
        if (Status made = make_folder(config.delivery.maildir, kMaildirMode); !made) {
            return made;
        }
    }
    const std::string database = config.database();
    std::vector<fs::path> ours{
        database,
        database + "-wal",
        database + "-shm",
        config.state_dir + "/operator.token",
        config.delivery.maildir
    };
    for (const std::string& folder :
         {config.state_dir + "/run", config.state_dir + "/tls", config.queue.directory}) {
        ours.emplace_back(folder);
        std::error_code gone;
        for (const auto& one : fs::recursive_directory_iterator(folder, gone)) {
            ours.push_back(one.path());
        }
    }
    for (const fs::path& path : ours) {
        struct stat facts{};
        if (lstat(path.c_str(), &facts) != 0 || facts.st_uid != 0) {
            continue;  // not there, or somebody else's
        }
        if (lchown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0 && errno != ENOENT) {
            return fail(errno_error(path.string()));
        }
    }
    return {};
}

Status drop_rights(const config::Config& config) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(errno_error("no_new_privs"));
    }
    if (geteuid() == 0 && !config.user.empty()) {
        if (Status given = hand_over(config); !given) {
            return given;
        }
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
