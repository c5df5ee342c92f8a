#include "dkim/keys/store.h"

#include "base/bytes.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "dkim/keys/keyring.h"
#include "dkim/sign.h"
#include "dkim/signature.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <pwd.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::dkim {
namespace {

constexpr unsigned kFolderMode = 0700;
constexpr unsigned kFileMode = 0600;
constexpr std::size_t kListMax = 64UL * 1024 * 1024;
constexpr std::size_t kPemMax = 64UL * 1024;

}  // namespace

// What root makes belongs to the user that the mail role runs as: the configured one, or whose the
// folder is (systemd starts the role as its user, and `user` is unset).
Status KeyStore::give(const std::string& path) const {
    if (::geteuid() != 0) {
        return {};
    }
    struct stat folder{};
    if (::stat(folder_.c_str(), &folder) != 0) {
        return fail(errno_error(folder_));
    }
    uid_t user = folder.st_uid;
    gid_t group = folder.st_gid;
    if (!owner_.empty()) {
        const passwd* entry = ::getpwnam(owner_.c_str());
        if (entry == nullptr) {
            return fail(Errc::NotFound, "user: there is no user \"" + owner_ + "\"");
        }
        user = entry->pw_uid;
        group = entry->pw_gid;
    }
    if (::lchown(path.c_str(), user, group) != 0) {
        return fail(errno_error(path));
    }
    return {};
}

Status KeyStore::write(const std::string& path, std::string_view content) const {
    if (Status wrote = write_file_atomic(path, content, kFileMode); !wrote) {
        return wrote;
    }
    return give(path);
}

Status KeyStore::prepare() const {
    if (Status made = make_folder(folder_, kFolderMode); !made) {
        return made;
    }
    if (Status given = give(folder_); !given) {
        return given;
    }
    std::error_code error;
    for (const auto& one : std::filesystem::recursive_directory_iterator(folder_, error)) {
        if (Status given = give(one.path().string()); !given) {
            return given;
        }
    }
    if (error) {
        return fail(Errc::Unavailable, folder_ + ": " + error.message());
    }
    return {};
}

Result<Keyring> KeyStore::read() const {
    const auto text = read_file(list_path(), kListMax);
    if (!text) {
        if (text.error().code == Errc::NotFound) {
            return Keyring{};
        }
        return fail(text.error());
    }
    auto ring = Keyring::parse(*text);
    if (!ring) {
        return fail(ring.error().code, list_path() + ": " + ring.error().message);
    }
    return ring;
}

Status KeyStore::update(const std::function<Status(Keyring&)>& change) const {
    if (Status made = make_folder(folder_, kFolderMode); !made) {
        return made;
    }
    if (Status given = give(folder_); !given) {
        return given;
    }
    const std::string lock_path = folder_ + "/lock";
    const UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
    if (!lock.valid()) {
        return fail(errno_error(lock_path));
    }
    if (Status given = give(lock_path); !given) {
        return given;
    }
    while (::flock(lock.get(), LOCK_EX) != 0) {
        if (errno != EINTR) {
            return fail(errno_error(lock_path));
        }
    }
    auto ring = read();
    if (!ring) {
        return fail(ring.error());
    }
    const std::vector<KeyEntry> before = ring->keys();
    if (Status changed = change(*ring); !changed) {
        return changed;
    }
    if (Status wrote = write(list_path(), ring->text()); !wrote) {
        return wrote;
    }
    for (const KeyEntry& was : before) {
        const KeyEntry* is = ring->find(was.domain, was.selector);
        if (was.published() && (is == nullptr || !is->published())) {
            ::unlink(key_path(was).c_str());
        }
    }
    return {};
}

// Gives the key a selector and a file, and adds it to the list. The file before the list: a list
// never names a key that isn't there.
Status KeyStore::keep(KeyEntry& entry, const PrivateKey& key, Keyring& ring) const {
    entry.selector = ring.next_selector(entry.domain, entry.algorithm, entry.created);
    const std::string folder = folder_ + "/" + entry.domain;
    if (Status made = make_folder(folder, kFolderMode); !made) {
        return made;
    }
    if (Status given = give(folder); !given) {
        return given;
    }
    if (Status wrote = write(key_path(entry), key.pem()); !wrote) {
        return wrote;
    }
    return ring.add(entry);
}

Result<std::vector<KeyEntry>> KeyStore::make(const Wanted& wanted, Time now) const {
    std::vector<KeyEntry> entries;
    std::vector<PrivateKey> keys;
    for (const auto& [domain, algorithm] : wanted) {
        KeyEntry entry;
        entry.domain = to_lower(domain);
        if (!is_domain(entry.domain)) {
            return fail(Errc::Invalid, "\"" + printable(domain) + "\" is no domain name");
        }
        auto key = PrivateKey::make(algorithm);
        if (!key) {
            return fail(key.error());
        }
        entry.algorithm = algorithm;
        entry.record = key->record();
        entry.created = entry.since = now;
        entries.push_back(std::move(entry));
        keys.push_back(std::move(*key));
    }
    const Status done = update([&](Keyring& ring) -> Status {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (Status kept = keep(entries[i], keys[i], ring); !kept) {
                return kept;
            }
        }
        return {};
    });
    if (!done) {
        return fail(done.error());
    }
    return entries;
}

Result<PrivateKey> KeyStore::load(const KeyEntry& entry) const {
    const auto pem = read_file(key_path(entry), kPemMax);
    if (!pem) {
        return fail(pem.error());
    }
    auto key = PrivateKey::parse(*pem);
    if (!key) {
        return fail(key.error().code, key_path(entry) + ": " + key.error().message);
    }
    if (key->record() != entry.record) {
        return fail(Errc::Corrupt, key_path(entry) + ": not the key that keys.json names");
    }
    return key;
}

std::int64_t KeyStore::stamp() const {
    struct stat info{};
    if (::stat(list_path().c_str(), &info) != 0) {
        return 0;
    }
    constexpr std::int64_t billion = 1'000'000'000;
    return static_cast<std::int64_t>(info.st_mtim.tv_sec) * billion + info.st_mtim.tv_nsec;
}

Result<std::shared_ptr<const Signer>> make_signer(
    const KeyStore& store, const SignerOptions& options
) {
    const auto ring = store.read();
    if (!ring) {
        return fail(ring.error());
    }
    auto signer = std::make_shared<Signer>();
    const std::string host = to_lower(options.hostname);
    for (const std::string& written : options.domains) {
        const std::string domain = to_lower(written);
        for (const Algorithm algorithm : options.algorithms) {
            const KeyEntry* entry = ring->signing(domain, algorithm);
            if (entry == nullptr) {
                continue;
            }
            const auto key = store.load(*entry);
            if (!key) {
                return fail(key.error());
            }
            signer->add(domain, domain, {entry->selector, *key});
            if (host != domain && is_within(host, domain)) {
                signer->add(host, domain, {entry->selector, *key});
            }
        }
    }
    return signer;
}

}  // namespace sekisho::dkim
