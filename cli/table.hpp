// A table: aligned columns, a head line, the last column cut to the terminal's width.
//
//   QUEUE     READY  RUNNING
//   default      12        4
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace drover::cli {

class Table {
 public:
  enum class Align : unsigned char { left, right };

  // The head is shown in capitals. `most` cuts the column's texts; 0 = only the last column is ever
  // cut.
  void column(std::string head, Align align = Align::left, std::size_t most = 0);

  // As many cells as there are columns.
  struct Cell {
    std::string text;
    Colour colour = Colour::plain;
  };
  void row(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }

  // All lines, each with its end. On a terminal none is longer than `columns`.
  std::string text(const Terminal& terminal) const;

 private:
  struct Column {
    std::string head;
    Align align;
    std::size_t most;
  };
  std::vector<std::size_t> widths(const Terminal& terminal) const;
  std::string line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                   const Stream& stream) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace drover::cli
