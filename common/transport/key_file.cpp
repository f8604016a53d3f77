#include "common/transport/key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/files/file.hpp"

namespace drover::transport {
namespace {

constexpr std::size_t kFileMax = 4096;
constexpr mode_t kOwnerOnly = 0600;

// What a key file holds, wiped when it is dropped.
class Contents {
 public:
  ~Contents() { explicit_bzero(bytes_.data(), bytes_.size()); }

  // False if there is more than a key file can have, or it cannot be read (errno).
  bool read(int fd) {
    while (size_ < bytes_.size()) {
      const auto got = ::read(fd, bytes_.data() + size_, bytes_.size() - size_);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return got == 0;
      size_ += static_cast<std::size_t>(got);
    }
    errno = EFBIG;
    return false;
  }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kFileMax> bytes_{};
  std::size_t size_ = 0;
};

Error bad(const std::string& path, const std::string& what) {
  return {Errc::bad_configuration, path + ": " + what};
}

Error failed(const std::string& path, const char* what) {
  return {Errc::io_failed, fmt::format("{}: cannot {}: {}", path, what, strerror(errno))};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view unquote(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// Calls take(line) for each line that says something.
template <class Take>
void each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trim(text.substr(0, end));
    if (!line.empty() && line.front() != '#') take(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Result<void> check_private(const std::string& path, int fd) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return failed(path, "look at it");
  if (!S_ISREG(file.st_mode)) return bad(path, "this is no regular file");
  if (file.st_uid != ::geteuid()) {
    return bad(path, fmt::format("the key file belongs to user {}, not to {}, who runs this",
                                 file.st_uid, ::geteuid()));
  }
  const auto mode = file.st_mode & 07777;
  if ((mode & 077) == 0) return {};
  return bad(path, fmt::format("others may open this key file (mode {:04o}); chmod 600 it", mode));
}

Result<KeyPair> parse(const std::string& path, std::string_view text) {
  std::string_view open, secret;
  bool strange = false;
  each_line(text, [&](std::string_view line) {
    const auto colon = std::min(line.find(':'), line.size());
    const auto value = unquote(trim(line.substr(std::min(colon + 1, line.size()))));
    const auto name = line.substr(0, colon);
    strange = strange || (name != "public_key" && name != "secret_key");
    if (name == "public_key") open = value;
    if (name == "secret_key") secret = value;
  });
  if (strange || secret.empty()) {
    return bad(path, "expected public_key and secret_key, as `drover keygen` writes them");
  }
  auto pair = KeyPair::from_secret(secret);
  if (!pair) return bad(path, "secret_key: " + pair.error().message);
  if (open == pair->public_key) return pair;
  return bad(path, "public_key is not the public half of secret_key");
}

// A public key: anyone may read the file.
Result<std::string> read_server_key(const std::string& path) {
  const files::File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return bad(path, fmt::format("cannot open: {}", strerror(errno)));
  Contents contents;
  if (!contents.read(file.descriptor()))
    return bad(path, fmt::format("cannot read: {}", strerror(errno)));
  std::string key;
  each_line(contents.view(), [&](std::string_view line) { key += line; });
  if (auto good = check_public_key(key); !good) return bad(path, good.error().message);
  return key;
}

}  // namespace

Result<KeyPair> read_key_file(const std::string& path) {
  const files::File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return bad(path, fmt::format("cannot open: {}", strerror(errno)));
  if (auto good = check_private(path, file.descriptor()); !good) return good.error();
  Contents contents;
  if (!contents.read(file.descriptor()))
    return bad(path, fmt::format("cannot read: {}", strerror(errno)));
  return parse(path, contents.view());
}

Result<void> write_key_file(const std::string& path, const KeyPair& keys) {
  const files::File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (!file.is_open() && errno == EEXIST) {
    return Error{Errc::conflict, path + " exists: it may be the only copy of a key, and is left"};
  }
  if (!file.is_open()) return failed(path, "make it");
  const bool written =
      file.write_all(
          "# A key pair of Drover. Whoever has secret_key is taken for its owner.\n"
          "public_key: \"") &&
      file.write_all(keys.public_key) && file.write_all("\"\nsecret_key: \"") &&
      file.write_all(keys.secret_key.reveal()) && file.write_all("\"\n");
  if (written && file.sync() && files::sync_folder_of(path)) return {};
  const auto error = failed(path, "write it");
  ::unlink(path.c_str());
  return error;
}

Result<Curve> read_client_keys(const ClientKeys& settings) {
  const auto& [key_file, server_key, server_key_file] = settings;
  const auto wrong = [](const char* setting, const std::string& what) {
    return Error{Errc::bad_configuration, fmt::format("{}: {}", setting, what), setting};
  };
  if (key_file.empty() && server_key.empty() && server_key_file.empty()) return Curve();
  if (key_file.empty()) {
    return wrong("security.key_file",
                 "a secured broker wants to know who connects; name the file "
                 "with this process's own keys (`drover key create`)");
  }
  if (server_key.empty() && server_key_file.empty()) {
    return wrong("security.server_key",
                 "whoever connects with a key needs the broker's public key");
  }
  if (!server_key.empty() && !server_key_file.empty()) {
    return wrong("security.server_key_file", "security.server_key says the same; set one of them");
  }
  auto keys = read_key_file(key_file);
  if (!keys) return wrong("security.key_file", keys.error().message);
  auto server = server_key.empty() ? read_server_key(server_key_file) : server_key;
  if (!server) return wrong("security.server_key_file", server.error().message);
  if (auto good = check_public_key(*server); !good) {
    return wrong("security.server_key", good.error().message);
  }
  return Curve(CurveClient{std::move(*keys), std::move(*server)});
}

}  // namespace drover::transport
