#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "gate/daemon/file_stamp.h"
#include "gate/daemon/line_source.h"
#include "line/line.h"
#include "line/reconcile.h"
#include "line/static_table.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::size_t kErrorsKept = 100;

class StaticSource final : public LineSource {
  public:
    explicit StaticSource(const config::LineSource& source)
        : file_(source.file), nas_(nas_of(source)) {}

    const SourceState& state() const override { return state_; }

    bool look(line::LineStore& lines, Time now) override {
        const FileStamp stamp = FileStamp::of(file_);
        const bool steady = stamp == seen_;
        seen_ = stamp;
        // One that is being written is read when it has stayed as it is for a moment.
        if (stamp == read_ || (!steady && state_.read_at != Time{})) {
            return false;
        }
        if (const Status read = this->read(lines, now); !read) {
            const bool anew = state_.fault != read.error().message;
            state_.fault = read.error().message;
            // A store that is away is tried again, a file when it has changed.
            if (read.error().code != Errc::Unavailable) {
                read_ = stamp;
            }
            return anew;
        }
        read_ = stamp;
        state_.fault.clear();
        return true;
    }

  private:
    Status read(line::LineStore& lines, Time now) {
        const auto text = read_file(file_);
        if (!text) {
            return fail(
                text.error().code == Errc::Unavailable ? Errc::NotFound : text.error().code,
                text.error().message
            );
        }
        line::StaticTable table = line::parse_static_table(*text, nas_);
        state_.errors.clear();
        state_.wrong = table.errors.size();
        for (const auto& one :
             std::span{table.errors}.first(std::min(table.errors.size(), kErrorsKept))) {
            state_.errors.push_back(file_ + ":" + std::to_string(one.row) + ": " + one.message);
        }
        if (table.sessions.empty() && !table.errors.empty()) {
            return fail(
                Errc::Invalid, "no row of it is right; what was known before stays in force"
            );
        }
        const auto changed = agree(lines, table, now);
        if (!changed) {
            return fail(Errc::Unavailable, changed.error().message);
        }
        state_.held = table.sessions.size();
        state_.read_at = now;
        return {};
    }

    Status agree(line::LineStore& lines, const line::StaticTable& table, Time now) {
        const auto known = lines.knows(nas_);
        const auto open = known ? lines.open_on(nas_) : fail(known.error());
        if (!open) {
            return fail(open.error());
        }
        line::Reconciling how;
        // What the first table says was always so; later ones are news.
        how.began = *known ? now : Time{};
        // A row that is wrong may be the one that isn't found: then nothing ends.
        if (table.errors.empty()) {
            how.ended = [now](const line::Session&) { return now; };
        }
        return put_in_parts(lines, line::reconcile(*open, table.sessions, how));
    }

    const std::string file_, nas_;
    FileStamp seen_;
    std::optional<FileStamp> read_;  // as it was read, or found wrong
    SourceState state_;
};

}  // namespace

std::unique_ptr<LineSource> make_static_source(const config::LineSource& source) {
    return std::make_unique<StaticSource>(source);
}

}  // namespace sekisho::gate
