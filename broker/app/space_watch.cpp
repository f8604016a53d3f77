#include "broker/app/space_watch.hpp"

#include "common/observe/log.hpp"

namespace drover::broker {
namespace {

constexpr Duration kFullSeldom = 10s;  // of a disk that is full one moment and not the next
constexpr Duration kTrimmedSeldom = 10min;

}  // namespace

void SpaceWatch::look(bool takes_submissions, const StoreFigures& figures, Instant now) {
  if (takes_submissions == said_full_ && now >= full_said_at_ + kFullSeldom) {
    said_full_ = !takes_submissions;
    full_said_at_ = now;
    if (said_full_) {
      log::warn("the disk has no room for new tasks: they are refused with STORAGE_FULL",
                {{"disk_bytes", figures.disk_bytes}, {"log_bytes_max", figures.log_bytes_max}});
    } else {
      log::info("the disk has room again: new tasks are taken");
    }
  }
  if (figures.trimmed_early > trimmed_said_ && now >= trimmed_said_at_ + kTrimmedSeldom) {
    trimmed_said_ = figures.trimmed_early;
    trimmed_said_at_ = now;
    log::warn("the disk has no room for journal.retain: fewer past events are kept",
              {{"log_bytes_max", figures.log_bytes_max}});
  }
}

}  // namespace drover::broker
