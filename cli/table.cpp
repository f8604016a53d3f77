#include "cli/table.hpp"

#include <algorithm>
#include <utility>

#include "cli/human.hpp"

namespace drover::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLastLeast = 10;  // of the last column, however narrow the terminal
constexpr std::size_t kUncut = 100'000;

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

void Table::column(std::string head, Align align, std::size_t most) {
  std::transform(head.begin(), head.end(), head.begin(), upper);
  columns_.push_back({std::move(head), align, most});
}

void Table::row(std::vector<Cell> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(const Terminal& terminal) const {
  std::vector<std::size_t> widths;
  std::size_t before_last = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].head);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i].text));
    if (columns_[i].most > 0) width = std::min(width, columns_[i].most);
    widths.push_back(width);
    if (i + 1 < columns_.size()) before_last += width + kGap;
  }
  if (terminal.out.terminal && !widths.empty()) {
    const auto left = terminal.columns > before_last ? terminal.columns - before_last : 0;
    widths.back() = std::min(widths.back(), std::max(left, kLastLeast));
  }
  return widths;
}

std::string Table::line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                        const Stream& stream) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    const bool cut = stream.terminal || columns_[i].most > 0;
    const auto content = fitted(cells[i].text, cut ? widths[i] : kUncut);
    const auto width = width_of(content);
    const std::string pad(widths[i] > width ? widths[i] - width : 0, ' ');
    const bool right = columns_[i].align == Align::right;
    if (right) text += pad;
    text += stream.paint(cells[i].colour, content);
    if (!right && !last) text += pad;
    if (!last) text += std::string(kGap, ' ');
  }
  return text + "\n";
}

std::string Table::text(const Terminal& terminal) const {
  const auto columns = widths(terminal);
  std::vector<Cell> heads;
  for (const auto& column : columns_) heads.push_back({column.head, Colour::bold});
  auto all = line(heads, columns, terminal.out);
  for (const auto& row : rows_) all += line(row, columns, terminal.out);
  return all;
}

}  // namespace drover::cli
