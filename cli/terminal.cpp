#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "cli/human.hpp"

namespace drover::cli {
namespace {

constexpr std::array<std::string_view, 8> kCodes = {"", "1", "2", "31", "32", "33", "34", "36"};

bool wants_colours() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return (no_colour == nullptr || *no_colour == '\0') && !dumb;
}

Stream stream(int fd) {
  const bool terminal = isatty(fd) == 1;
  return {terminal, terminal && wants_colours()};
}

std::size_t columns_of(int fd, std::size_t otherwise) {
  winsize size{};
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : otherwise;
}

}  // namespace

std::string Stream::paint(Colour colour, std::string_view text) const {
  const auto code = kCodes[static_cast<std::size_t>(colour)];
  if (!colours || code.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

Terminal Terminal::detect() {
  Terminal terminal{stream(STDOUT_FILENO), stream(STDERR_FILENO)};
  terminal.columns = std::max<std::size_t>(40, columns_of(STDOUT_FILENO, 100));
  return terminal;
}

Colour colour_of_state(std::string_view state) {
  if (state == "completed") return Colour::green;
  if (state == "dead" || state == "failed" || state == "timed_out") return Colour::red;
  if (state == "running" || state == "busy") return Colour::cyan;
  if (state == "retrying" || state == "expired" || state == "worker_lost") return Colour::yellow;
  if (state == "cancelled" || state == "stopped" || state == "blocked") return Colour::dim;
  return Colour::plain;
}

StatusLine::StatusLine(const Terminal& terminal, bool quiet)
    : on_(terminal.err.terminal && !quiet), columns_(columns_of(STDERR_FILENO, 80)) {}

void StatusLine::show(std::string_view text) {
  if (!on_) return;
  std::fputs(("\r\x1b[K" + fitted(text, columns_ - 1)).c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

void StatusLine::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

std::string bar(std::size_t done, std::size_t all, std::size_t width) {
  const auto full = all == 0 ? width : std::min(done, all) * width / all;
  const auto percent = all == 0 ? 100 : std::min(done, all) * 100 / all;
  return fmt::format("[{}{}] {:3}%", std::string(full, '#'), std::string(width - full, '.'),
                     percent);
}

}  // namespace drover::cli
