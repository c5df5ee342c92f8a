// Kea's lease file while Kea writes it. New rows are read where the last reading ended; when the
// file was replaced by a clean-up, all of them anew.
#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "gate/daemon/file_stamp.h"
#include "gate/daemon/line_source.h"
#include "line/kea_leases.h"
#include "line/line.h"
#include "line/reconcile.h"

#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20U;  // read at a time

class KeaSource final : public LineSource {
  public:
    explicit KeaSource(const config::LineSource& source)
        : file_(source.file),
          nas_(nas_of(source)),
          field_(line::parse_kea_field(source.identity).value_or(line::KeaField::Hwaddr)),
          leases_(nas_, field_) {}

    const SourceState& state() const override { return state_; }

    bool look(line::LineStore& lines, Time now) override {
        const FileStamp stamp = FileStamp::of(file_);
        const bool goes_on = agreed_ && stamp.same_file(read_) && stamp.size >= offset_;
        // Also when nothing was written: leases run out without a row that says so.
        const bool same = goes_on && stamp == read_;
        Status done = goes_on ? follow(lines, same, stamp, now) : begin(lines, stamp, now);
        const bool failed_anew = !done && state_.fault != done.error().message;
        const bool wrong_anew = leases_.error_count() > state_.wrong;
        state_.fault = done ? std::string{} : done.error().message;
        state_.wrong = leases_.error_count();
        state_.errors.clear();
        for (const line::RowError& one : leases_.errors()) {
            state_.errors.push_back(one.text());
        }
        // Rows that come every second aren't worth a line in the log.
        return failed_anew || wrong_anew || (done && !goes_on);
    }

  private:
    Status follow(line::LineStore& lines, bool same, const FileStamp& stamp, Time now) {
        if (!same) {
            if (Status read = feed(file_, offset_, now, true); !read) {
                return read;
            }
            read_ = stamp;
            state_.read_at = now;
        }
        Status put = tell(lines, leases_.take(now));
        agreed_ = put.has_value();  // else all of it again: the store has missed something
        return put;
    }

    // All files, oldest first, as Kea's own start reads them: FILE.completed, or else FILE.2 and
    // FILE.1, then FILE. A clean-up that runs meanwhile renames them: then once more.
    Status begin(line::LineStore& lines, const FileStamp& stamp, Time now) {
        if (!stamp.there) {
            agreed_ = false;
            return fail(
                Errc::NotFound, file_ + " is not there; what was known before stays in force"
            );
        }
        leases_ = line::KeaLeases{nas_, field_};
        const auto before = stamps();
        offset_ = 0;
        for (const std::string& old : older()) {
            std::uint64_t from = 0;
            if (Status read = feed(old, from, now, false); !read) {
                return read;
            }
        }
        if (Status read = feed(file_, offset_, now, false); !read) {
            return read;
        }
        if (!leases_.is_lease_file()) {
            return fail(
                Errc::Invalid,
                file_ + " is no lease file of Kea; what was known before stays in force"
            );
        }
        if (stamps() != before) {
            return fail(Errc::Unavailable, file_ + " is being cleaned up; it is read in a moment");
        }
        if (Status agreed = agree(lines, now); !agreed) {
            return agreed;
        }
        agreed_ = true;
        read_ = stamp;
        state_.read_at = now;
        return {};
    }

    std::vector<std::string> older() const {
        if (FileStamp::of(file_ + ".completed").there) {
            return {file_ + ".completed"};
        }
        std::vector<std::string> out;
        for (const char* end : {".2", ".1"}) {
            if (FileStamp::of(file_ + end).there) {
                out.push_back(file_ + end);
            }
        }
        return out;
    }

    // Of the files without their size: the newest grows all the time.
    std::vector<std::uint64_t> stamps() const {
        std::vector<std::uint64_t> out;
        for (const char* end : {".completed", ".2", ".1", ""}) {
            out.push_back(FileStamp::of(file_ + end).inode);
        }
        return out;
    }

    // Whole rows from the offset on, which moves behind them.
    Status feed(const std::string& name, std::uint64_t& offset, Time now, bool live) {
        const UniqueFd fd{::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!fd.valid()) {
            return fail(errno_error(name));
        }
        if (offset == 0) {
            leases_.begin_file(name);
        }
        std::string text;
        while (true) {
            const std::size_t had = text.size();
            text.resize(had + kPiece);
            const ssize_t got =
                ::pread(fd.get(), text.data() + had, kPiece, static_cast<off_t>(offset + had));
            if (got < 0) {
                return fail(errno_error(name));
            }
            text.resize(had + static_cast<std::size_t>(got));
            const std::size_t end = text.rfind('\n');
            if (end != std::string::npos) {
                leases_.feed(std::string_view{text}.substr(0, end + 1), now, live);
                offset += end + 1;
                text.erase(0, end + 1);
            }
            if (got == 0 || text.size() > kPiece) {  // no row of Kea's is as long
                return {};
            }
        }
    }

    // After reading everything: what happened in the files' time, where the store doesn't know it,
    // and then whatever the two still see differently.
    Status agree(line::LineStore& lines, Time now) {
        const auto open = lines.open_on(nas_);
        if (!open) {
            return fail(open.error());
        }
        std::map<std::string, const line::Session*> by_id;
        for (const line::Session& one : *open) {
            by_id.emplace(one.id, &one);
        }
        std::vector<line::Session> changes = leases_.take(now);
        std::erase_if(changes, [&](const line::Session& one) {
            const auto known = by_id.find(one.id);
            return known != by_id.end() && !one.end && known->second->line == one.line &&
                   known->second->seen >= one.seen;
        });
        if (Status put = put_in_parts(lines, changes); !put) {
            return put;
        }
        const auto now_open = lines.open_on(nas_);
        if (!now_open) {
            return fail(now_open.error());
        }
        line::Reconciling how;
        how.began = now;
        how.ended = [this](const line::Session& one) {
            // Kea has forgotten it: it was last known to hold when it was renewed.
            return leases_.ended(one.prefixes.empty() ? Prefix{} : one.prefixes.front())
                .value_or(one.seen + Duration{1});
        };
        const std::vector<line::Session> held = leases_.holding();
        state_.held = held.size();
        return put_in_parts(lines, line::reconcile(*now_open, held, how));
    }

    Status tell(line::LineStore& lines, const std::vector<line::Session>& changes) {
        if (changes.empty()) {
            return {};
        }
        Status put = put_in_parts(lines, changes);
        state_.held = leases_.held();
        return put;
    }

    const std::string file_, nas_;
    const line::KeaField field_;
    line::KeaLeases leases_;
    bool agreed_ = false;  // the store knows what was read
    FileStamp read_;
    std::uint64_t offset_ = 0;
    SourceState state_;
};

}  // namespace

std::unique_ptr<LineSource> make_kea_source(const config::LineSource& source) {
    return std::make_unique<KeaSource>(source);
}

}  // namespace sekisho::gate
