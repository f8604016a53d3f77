// What a command writes to: colours where somebody looks at a terminal, plain text elsewhere, and
// one line of progress that renews itself.
//
// Data goes to stdout, everything else to stderr. NO_COLOR and TERM=dumb switch colours off.
#pragma once

#include <string>
#include <string_view>

namespace drover::cli {

enum class Colour : unsigned char { plain, bold, dim, red, green, yellow, blue, cyan };

// Where one of the two streams goes.
struct Stream {
  bool terminal = false;
  bool colours = false;

  // The text in a colour, or as it is.
  std::string paint(Colour colour, std::string_view text) const;
};

struct Terminal {
  Stream out, err;
  std::size_t columns = 100;  // of the terminal that stdout is; 100 elsewhere

  static Terminal detect();
};

// The colour in which a state of a task is shown.
Colour colour_of_state(std::string_view state);

// A line on stderr that is written over each time; nothing at all where stderr is no terminal.
// Its end takes it away.
class StatusLine {
 public:
  StatusLine(const Terminal& terminal, bool quiet);
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(std::string_view text);
  void clear();
  bool is_on() const { return on_; }

 private:
  bool on_;
  std::size_t columns_;
  bool shown_ = false;
};

// "[#########.........]  45%"
std::string bar(std::size_t done, std::size_t all, std::size_t width);

}  // namespace drover::cli
