// A folder in which a store is being made: claimed, filled, kept or taken away again.
//
// Until `keep` everything of a store in it goes with the object, the folder too if it was not there
// before. One thread.
#pragma once

#include <memory>
#include <string>

#include "broker/store/journal/posix_io.hpp"

namespace drover::broker::upkeep {

class NewStore {
 public:
  // Errors: CONFLICT if the folder holds anything of a store, STORE_IN_USE, IO_FAILED.
  static Result<NewStore> claim(const std::string& directory);

  NewStore(NewStore&&) noexcept = default;
  NewStore& operator=(NewStore&&) = delete;
  ~NewStore();

  journal::Io& io() { return *io_; }

  // What was made is whole and stays.
  void keep() { kept_ = true; }

 private:
  NewStore(std::string directory, std::unique_ptr<journal::PosixIo> io, bool is_new)
      : directory_(std::move(directory)), io_(std::move(io)), is_new_(is_new) {}
  void take_away();

  std::string directory_;
  std::unique_ptr<journal::PosixIo> io_;  // null: nothing was claimed, or somebody else has it
  bool is_new_;
  bool kept_ = false;
};

}  // namespace drover::broker::upkeep
