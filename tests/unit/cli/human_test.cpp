// Values as people read them, and tables of them.

#include "cli/human.hpp"

#include <gtest/gtest.h>

#include "cli/table.hpp"

namespace drover::cli {
namespace {

Terminal wide(std::size_t columns) { return {{true, false}, {false, false}, columns}; }
const Terminal kPipe{};

TEST(Human, DurationsHaveTwoPartsAtMost) {
  EXPECT_EQ(human(-5ms), "0 ms");
  EXPECT_EQ(human(999ms), "999 ms");
  EXPECT_EQ(human(1234ms), "1.2 s");
  EXPECT_EQ(human(9949ms), "9.9 s");
  EXPECT_EQ(human(9999ms), "9 s");
  EXPECT_EQ(human(59'999ms), "59 s");
  EXPECT_EQ(human(125s), "2 m 05 s");
  EXPECT_EQ(human(192min), "3 h 12 m");
  EXPECT_EQ(human(98h), "4 d 02 h");
}

TEST(Human, NumbersAreGroupedAndCounted) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "task"), "1 task");
  EXPECT_EQ(counted(0, "task"), "0 tasks");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1024), "1.0 KiB");
  EXPECT_EQ(human_size(64 * 1024 * 1024), "64.0 MiB");
}

TEST(Human, WhatWasAndWhatIsToCome) {
  const auto now = instant_from_ms(100'000);
  EXPECT_EQ(ago(now - 8s, now), "8.0 s ago");
  EXPECT_EQ(ago(now + 90s, now), "in 1 m 30 s");
}

TEST(Human, TextsAreCutAtCharactersAndHoldNoControls) {
  EXPECT_EQ(fitted("short", 10), "short");
  EXPECT_EQ(fitted("exactly ten", 11), "exactly ten");
  EXPECT_EQ(fitted("one too long", 11), "one too ...");
  EXPECT_EQ(fitted("ääääää", 5), "ää...");
  EXPECT_EQ(fitted("a\nb\x1b[31m", 20), "a b [31m");
  EXPECT_EQ(fitted("abc", 2), "ab");
  EXPECT_EQ(width_of("äöü"), 3u);
}

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table;
  table.column("NAME");
  table.column("N", Table::Align::right);
  table.column("REST");
  table.row({{"a"}, {"1"}, {"x"}});
  table.row({{"longer"}, {"1,000"}, {""}});
  EXPECT_EQ(table.text(kPipe),
            "NAME        N  REST\n"
            "a           1  x\n"
            "longer  1,000  \n");
}

TEST(Table, OnATerminalTheLastColumnIsCut) {
  Table table;
  table.column("A");
  table.column("B");
  table.row({{"1234567890"}, {std::string(100, 'x')}});
  EXPECT_EQ(table.text(wide(40)), "A           B\n1234567890  " + std::string(25, 'x') + "...\n");
  EXPECT_NE(table.text(kPipe).find(std::string(100, 'x')), std::string::npos);
}

TEST(Table, AColumnMayHaveItsOwnLimit) {
  Table table;
  table.column("A", Table::Align::left, 5);
  table.column("B");
  table.row({{"123456789"}, {"x"}});
  EXPECT_EQ(table.text(kPipe), "A      B\n12...  x\n");
}

TEST(Table, ColoursDoNotMoveAnything) {
  Terminal colourful = wide(80);
  colourful.out.colours = true;
  Table table;
  table.column("A");
  table.column("B");
  table.row({{"x", Colour::red}, {"y"}});
  EXPECT_EQ(table.text(colourful), "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

TEST(Bar, ItFillsFromLeftToRight) {
  EXPECT_EQ(bar(0, 10, 10), "[..........]   0%");
  EXPECT_EQ(bar(5, 10, 10), "[#####.....]  50%");
  EXPECT_EQ(bar(10, 10, 10), "[##########] 100%");
  EXPECT_EQ(bar(20, 10, 4), "[####] 100%");
  EXPECT_EQ(bar(0, 0, 4), "[####] 100%");
}

}  // namespace
}  // namespace drover::cli
