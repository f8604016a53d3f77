// A disk in memory that can fail, fill up, lie and lose its power, always in the same way for the
// same seed.
//
// It keeps what a real disk and its cache keep apart: the contents that a running process sees, and
// those that were synced. Sectors of 512 bytes, file sizes and directory entries that were not
// synced each survive a power cut or not, by themselves; a sector that was written several times
// since may come back as any of these versions. A rename happens as a whole or not at all.
//
//   process killed: destroy the journal; the disk goes on with all that was written
//   power cut:      destroy the journal, then power_cut(); unsynced things are lost by lot
//
// Copies are whole and independent, so that a test can damage one and keep the other. Not safe for
// several threads at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/store/journal/io.hpp"
#include "common/base/random.hpp"

namespace drover::test {

// The calls of the disk.
enum class DiskCall : std::uint8_t {
  any,
  lock,
  list,
  open,
  rename,
  remove,
  sync_directory,
  space,
  read,
  write,
  preallocate,
  sync,
  size
};

// One planned failure of the disk.
struct DiskFault {
  enum class Kind : std::uint8_t {
    no_space,   // ENOSPC
    io_error,   // EIO; of a sync: what it should have made durable is lost by lot
    short_io,   // a read or write moves a part only; other calls fail with EIO
    power_off,  // this call and all later ones fail: the moment before a power cut
  };
  std::uint64_t at_call = 1;  // the number of the call, counted from 1 since the plan was made
  Kind kind = Kind::io_error;
  bool sticky = false;            // all later calls too
  DiskCall call = DiskCall::any;  // count, and fail, only these
};

class SimDisk final : public broker::journal::Io {
 public:
  explicit SimDisk(std::uint64_t seed = 1);
  ~SimDisk() override;
  SimDisk(const SimDisk& other);
  SimDisk& operator=(const SimDisk& other);

  Result<void> lock() override;
  void unlock() override { locked_ = false; }
  Result<std::vector<std::string>> list() override;
  Result<std::shared_ptr<broker::journal::File>> open(const std::string& name,
                                                      broker::journal::OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync_directory() override;
  Result<broker::journal::DiskSpace> space() override;

  // --- faults

  void plan(const DiskFault& fault);
  void heal() { fault_.reset(); }
  bool fault_happened() const { return fault_happened_; }
  DiskCall fault_call() const { return fault_call_; }  // the call that failed first
  std::uint64_t calls(DiskCall call = DiskCall::any) const;

  // The disk's size. Files that preallocate beyond it get no space.
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }

  // Lies that a disk or a journal may tell, to prove that the tests would find out.
  struct Lies {
    bool sync_does_nothing = false;            // of files
    bool sync_directory_does_nothing = false;  //
    bool sync_comes_late = false;              // each sync does the work of the one before
    bool first_sync_does_nothing = false;      // of a file, after each lock
  };
  void set_lies(const Lies& lies) { lies_ = lies; }

  // Changes what is written on its way.
  void rewrite_writes(std::function<void(std::string&)> how) { rewrite_ = std::move(how); }

  // Whatever was not synced is kept or lost, each sector and each name by lot. Whoever had files
  // open is gone by now.
  void power_cut();

  // Goes on to other lots than a copy of this disk would draw.
  void reseed(std::uint64_t seed) { random_ = Random(seed); }

  // --- looking at it, and damaging it

  std::vector<std::string> names() const;  // sorted
  bool has(const std::string& name) const { return names_.contains(name); }
  std::uint64_t used_bytes() const;  // of all files

  // The bytes of a file, to be changed at will; what is changed counts as synced.
  std::string contents(const std::string& name) const;
  void set_contents(const std::string& name, std::string bytes);
  void flip_bit(const std::string& name, std::uint64_t bit);
  void erase(const std::string& name) { names_.erase(name), synced_names_.erase(name); }

 private:
  struct Inode;
  class OpenFile;
  using InodePtr = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodePtr, std::less<>>;

  // A change of names that was not synced: `from` goes, `to` comes; either may be empty.
  struct NameChange {
    std::string from, to;
    InodePtr inode;
  };

  static void apply(const NameChange& change, Names& names);
  void change_names(NameChange change);
  std::optional<DiskFault::Kind> next_call(DiskCall call);
  static Error refusal(DiskFault::Kind kind, DiskCall call, std::string_view name);
  bool half() { return random_.one_in(2); }

  Random random_;
  Names names_;         // as the process sees them
  Names synced_names_;  // as they are after a power cut that loses all else
  std::vector<NameChange> unsynced_;
  bool locked_ = false;
  std::uint64_t capacity_ = UINT64_MAX;
  std::optional<DiskFault> fault_;
  bool fault_happened_ = false;
  DiskCall fault_call_ = DiskCall::any;
  std::array<std::uint64_t, 13> calls_{};  // by kind; `any` counts all
  Lies lies_;
  std::function<void(std::string&)> rewrite_;
  bool synced_since_lock_ = false;
};

}  // namespace drover::test
