#include "broker/store/upkeep/new_store.hpp"

#include <filesystem>
#include <utility>

#include "broker/store/journal/layout.hpp"

namespace drover::broker::upkeep {
namespace {

bool is_of_store(const std::string& name) {
  return journal::parse_segment_name(name) || journal::parse_spare_name(name) ||
         name == journal::kMarkName;
}

}  // namespace

Result<NewStore> NewStore::claim(const std::string& directory) {
  std::error_code error;
  const bool was_there = std::filesystem::exists(directory, error);
  auto io = journal::PosixIo::open_directory(directory);
  if (!io) return io.error();
  if (auto locked = (*io)->lock(); !locked) return locked.error();
  const auto names = (*io)->list();
  if (!names) return names.error();
  for (const auto& name : *names) {
    if (!is_of_store(name)) continue;
    return Error{Errc::conflict, directory + " holds a store already; nothing is written over it"};
  }
  return NewStore(directory, std::move(*io), !was_there);
}

NewStore::~NewStore() {
  if (io_ && !kept_) take_away();
}

void NewStore::take_away() {
  const auto names = io_->list();
  if (!names) return;
  for (const auto& name : *names) {
    if (is_of_store(name)) (void)io_->remove(name);
  }
  std::error_code error;
  if (is_new_) std::filesystem::remove(directory_, error);
}

}  // namespace drover::broker::upkeep
