#include "tests/support/sim_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace drover::test {

using broker::journal::DiskSpace;
using broker::journal::File;
using broker::journal::OpenMode;

namespace {

constexpr std::size_t kSector = 512;

constexpr std::size_t index(DiskCall call) { return static_cast<std::size_t>(call); }

}  // namespace

// A file's two faces: `now` as the process sees it, `synced` as the medium has it for certain.
struct SimDisk::Inode {
  std::string now;
  std::string synced;                 // may be shorter: the size was not synced yet
  std::vector<bool> dirty;            // a sector that differs, or may
  std::vector<std::uint32_t> order;   // the dirty sectors, in the order of their first write
  std::shared_ptr<std::string> late;  // what the next late sync makes durable
  std::weak_ptr<void> held;           // by those who have it open

  void resize(std::size_t bytes) {
    now.resize(bytes);
    dirty.resize((bytes + kSector - 1) / kSector);
  }

  void copy_sector(std::uint32_t sector) {
    const std::size_t at = sector * kSector;
    const std::size_t count = std::min(kSector, now.size() - at);
    if (synced.size() < at + count) synced.resize(at + count);
    std::memcpy(synced.data() + at, now.data() + at, count);
  }

  // A sector that is written again may have reached the medium in between.
  void mark(std::uint32_t sector, Random& random) {
    if (!dirty[sector]) {
      dirty[sector] = true;
      order.push_back(sector);
    } else if (random.one_in(4)) {
      copy_sector(sector);
    }
  }

  void sync() {
    for (const auto sector : order) copy_sector(sector), dirty[sector] = false;
    order.clear();
    synced.resize(now.size());
  }

  // The lie of a disk that is one sync behind.
  void sync_late() {
    Inode was = *this;
    if (late != nullptr) synced = *late;
    was.sync();
    late = std::make_shared<std::string>(std::move(was.synced));
  }

  void replace(std::string bytes) {
    order.clear();
    dirty.clear();
    now = synced = std::move(bytes);
    resize(now.size());
  }

  void lose_by_lot(Random& random) {
    if (synced.size() < now.size() && random.one_in(2)) synced.resize(now.size());
    for (const auto sector : order) {
      if (random.one_in(2)) copy_sector(sector);
      dirty[sector] = false;
    }
    order.clear();
    now = synced;
    resize(now.size());
  }
};

class SimDisk::OpenFile final : public File {
 public:
  OpenFile(SimDisk& disk, std::string name, InodePtr inode)
      : disk_(disk), name_(std::move(name)), inode_(std::move(inode)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    auto count = offset < inode_->now.size() ? inode_->now.size() - offset : 0;
    count = std::min(count, into.size());
    if (const auto fault = disk_.next_call(DiskCall::read)) {
      if (*fault != DiskFault::Kind::short_io) return refusal(*fault, DiskCall::read, name_);
      count = (count + 1) / 2;
    }
    std::memcpy(into.data(), inode_->now.data() + offset, count);
    return count;
  }

  Result<std::size_t> write(std::uint64_t offset, std::string_view bytes) override {
    if (const auto fault = disk_.next_call(DiskCall::write)) {
      if (*fault != DiskFault::Kind::power_off) put(offset, bytes.substr(0, bytes.size() / 2));
      if (*fault == DiskFault::Kind::short_io && bytes.size() > 1) return bytes.size() / 2;
      return refusal(*fault, DiskCall::write, name_);
    }
    put(offset, bytes);
    return bytes.size();
  }

  Result<void> preallocate(std::uint64_t bytes) override {
    if (const auto fault = disk_.next_call(DiskCall::preallocate))
      return refusal(*fault, DiskCall::preallocate, name_);
    if (bytes <= inode_->now.size()) return {};
    if (disk_.used_bytes() - inode_->now.size() + bytes > disk_.capacity_) {
      return refusal(DiskFault::Kind::no_space, DiskCall::preallocate, name_);
    }
    inode_->resize(bytes);
    return {};
  }

  Result<void> sync() override {
    if (const auto fault = disk_.next_call(DiskCall::sync)) {
      if (*fault == DiskFault::Kind::io_error) inode_->lose_by_lot(disk_.random_);
      return refusal(*fault, DiskCall::sync, name_);
    }
    if (disk_.lies_.sync_does_nothing) return {};
    const bool first = !std::exchange(disk_.synced_since_lock_, true);
    if (disk_.lies_.first_sync_does_nothing && first) return {};
    if (disk_.lies_.sync_comes_late) {
      inode_->sync_late();
    } else {
      inode_->sync();
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    if (const auto fault = disk_.next_call(DiskCall::size))
      return refusal(*fault, DiskCall::size, name_);
    return inode_->now.size();
  }

  Result<void> hold() override {
    hold_ = inode_->held.lock();
    if (hold_ == nullptr) hold_ = std::make_shared<bool>();
    inode_->held = hold_;
    return {};
  }

  bool is_held() override { return !inode_->held.expired(); }

 private:
  void put(std::uint64_t offset, std::string_view written) {
    if (written.empty()) return;
    std::string changed;
    std::string_view bytes = written;
    if (disk_.rewrite_) {
      changed = written;
      disk_.rewrite_(changed);
      bytes = changed;
    }
    const auto end = offset + bytes.size();
    if (end > inode_->now.size()) inode_->resize(end);
    const auto last = static_cast<std::uint32_t>((end - 1) / kSector);
    for (auto sector = static_cast<std::uint32_t>(offset / kSector); sector <= last; ++sector) {
      inode_->mark(sector, disk_.random_);
    }
    std::memcpy(inode_->now.data() + offset, bytes.data(), bytes.size());
  }

  SimDisk& disk_;
  std::string name_;
  InodePtr inode_;
  std::shared_ptr<void> hold_;
};

SimDisk::SimDisk(std::uint64_t seed) : random_(seed) {}
SimDisk::~SimDisk() = default;

SimDisk::SimDisk(const SimDisk& other) : random_(other.random_) { *this = other; }

SimDisk& SimDisk::operator=(const SimDisk& other) {
  if (this == &other) return *this;
  std::map<Inode*, InodePtr> copies;
  const auto copy = [&copies](const InodePtr& inode) -> InodePtr {
    if (inode == nullptr) return nullptr;
    auto& twin = copies[inode.get()];
    if (twin == nullptr) twin = std::make_shared<Inode>(*inode);
    return twin;
  };
  names_.clear(), synced_names_.clear(), unsynced_.clear();
  for (const auto& [name, inode] : other.names_) names_[name] = copy(inode);
  for (const auto& [name, inode] : other.synced_names_) synced_names_[name] = copy(inode);
  for (const auto& change : other.unsynced_) {
    unsynced_.push_back({change.from, change.to, copy(change.inode)});
  }
  random_ = other.random_;
  locked_ = false;
  capacity_ = other.capacity_;
  fault_ = other.fault_;
  fault_happened_ = other.fault_happened_;
  fault_call_ = other.fault_call_;
  calls_ = other.calls_;
  lies_ = other.lies_;
  rewrite_ = other.rewrite_;
  synced_since_lock_ = other.synced_since_lock_;
  return *this;
}

Result<void> SimDisk::lock() {
  if (const auto fault = next_call(DiskCall::lock))
    return refusal(*fault, DiskCall::lock, "the directory");
  if (locked_) return Error{Errc::store_in_use, "the simulated disk is in use"};
  locked_ = true;
  synced_since_lock_ = false;
  return {};
}

Result<std::vector<std::string>> SimDisk::list() {
  if (const auto fault = next_call(DiskCall::list))
    return refusal(*fault, DiskCall::list, "the directory");
  return names();
}

Result<std::shared_ptr<File>> SimDisk::open(const std::string& name, OpenMode mode) {
  if (const auto fault = next_call(DiskCall::open)) return refusal(*fault, DiskCall::open, name);
  const auto known = names_.find(name);
  if (mode == OpenMode::existing && known == names_.end()) {
    return Error{Errc::not_found, name + ": no such file"};
  }
  if (mode == OpenMode::create) {
    if (known != names_.end()) return Error{Errc::io_failed, name + ": file exists"};
    change_names({"", name, std::make_shared<Inode>()});
  }
  return std::shared_ptr<File>(std::make_shared<OpenFile>(*this, name, names_.at(name)));
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  if (const auto fault = next_call(DiskCall::rename))
    return refusal(*fault, DiskCall::rename, from);
  const auto known = names_.find(from);
  if (known == names_.end()) return Error{Errc::not_found, from + ": no such file"};
  change_names({from, to, known->second});
  return {};
}

Result<void> SimDisk::remove(const std::string& name) {
  if (const auto fault = next_call(DiskCall::remove))
    return refusal(*fault, DiskCall::remove, name);
  const auto known = names_.find(name);
  if (known == names_.end()) return Error{Errc::not_found, name + ": no such file"};
  change_names({name, "", known->second});
  return {};
}

Result<void> SimDisk::sync_directory() {
  if (const auto fault = next_call(DiskCall::sync_directory))
    return refusal(*fault, DiskCall::sync_directory, "the directory");
  if (lies_.sync_directory_does_nothing) return {};
  synced_names_ = names_;
  unsynced_.clear();
  return {};
}

Result<DiskSpace> SimDisk::space() {
  if (const auto fault = next_call(DiskCall::space))
    return refusal(*fault, DiskCall::space, "the disk");
  const auto used = used_bytes();
  return DiskSpace{capacity_ > used ? capacity_ - used : 0, capacity_};
}

void SimDisk::apply(const NameChange& change, Names& names) {
  const auto old = names.find(change.from);
  if (old != names.end() && old->second == change.inode) names.erase(old);
  if (!change.to.empty()) names[change.to] = change.inode;
}

void SimDisk::change_names(NameChange change) {
  apply(change, names_);
  unsynced_.push_back(std::move(change));
}

void SimDisk::plan(const DiskFault& fault) {
  fault_ = fault;
  fault_->at_call += calls(fault.call);
  fault_happened_ = false;
}

std::optional<DiskFault::Kind> SimDisk::next_call(DiskCall call) {
  ++calls_[index(DiskCall::any)];
  if (call != DiskCall::any) ++calls_[index(call)];
  if (!fault_) return std::nullopt;
  const bool gone = fault_->kind == DiskFault::Kind::power_off && fault_happened_;
  if (gone) return fault_->kind;
  if (fault_->call != DiskCall::any && fault_->call != call) return std::nullopt;
  const auto now = calls(fault_->call);
  if (now < fault_->at_call || (now > fault_->at_call && !fault_->sticky)) return std::nullopt;
  if (!fault_happened_) fault_call_ = call;
  fault_happened_ = true;
  return fault_->kind;
}

std::uint64_t SimDisk::calls(DiskCall call) const { return calls_[index(call)]; }

Error SimDisk::refusal(DiskFault::Kind kind, DiskCall call, std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "call", "flock", "list",  "open",        "rename",    "remove", "fsync",
      "stat", "read",  "write", "preallocate", "fdatasync", "size"};
  const auto what = std::string(name) + ": " + std::string(kNames[index(call)]);
  const bool full = kind == DiskFault::Kind::no_space;
  return full ? Error{Errc::storage_full, what + ": no space left (simulated)"}
              : Error{Errc::io_failed, what + ": input/output error (simulated)"};
}

void SimDisk::power_cut() {
  Names left = synced_names_;
  for (const auto& change : unsynced_) {
    if (half()) apply(change, left);
  }
  names_ = synced_names_ = std::move(left);
  unsynced_.clear();
  for (auto& [name, inode] : names_) inode->lose_by_lot(random_);
  locked_ = false;
  fault_.reset();
}

std::vector<std::string> SimDisk::names() const {
  std::vector<std::string> list;
  for (const auto& [name, inode] : names_) list.push_back(name);
  return list;
}

std::uint64_t SimDisk::used_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, inode] : names_) bytes += inode->now.size();
  return bytes;
}

std::string SimDisk::contents(const std::string& name) const { return names_.at(name)->now; }

void SimDisk::set_contents(const std::string& name, std::string bytes) {
  auto& inode = names_[name];
  if (inode == nullptr) inode = std::make_shared<Inode>();
  inode->replace(std::move(bytes));
  synced_names_[name] = inode;
}

void SimDisk::flip_bit(const std::string& name, std::uint64_t bit) {
  auto& inode = *names_.at(name);
  const auto flip = static_cast<char>(1U << (bit % 8));
  inode.now[bit / 8] = static_cast<char>(inode.now[bit / 8] ^ flip);
  if (bit / 8 < inode.synced.size()) inode.synced[bit / 8] = inode.now[bit / 8];
}

}  // namespace drover::test
