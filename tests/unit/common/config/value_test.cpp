// Numbers, sizes, addresses and near words.

#include "common/config/value.hpp"

#include <gtest/gtest.h>

#include "common/config/address.hpp"
#include "common/config/nearest.hpp"

namespace drover::config {
namespace {

TEST(Count, OnlyPlainDigitsAreANumber) {
  EXPECT_EQ(parse_count("0"), 0u);
  EXPECT_EQ(parse_count("18446744073709551615"), UINT64_MAX);
  for (const auto* text :
       {"", "01", "+1", "-1", "1 ", "1_000", "0x1", "1e3", "18446744073709551616"}) {
    EXPECT_FALSE(parse_count(text)) << text;
  }
}

TEST(Factor, ThousandthsAreExact) {
  EXPECT_EQ(parse_factor("2"), 2.0);
  EXPECT_EQ(parse_factor("1.5"), 1.5);
  EXPECT_EQ(parse_factor("1.125"), 1.125);
  for (const auto* text : {"", ".5", "1.", "1.1234", "1.x", "-1", "nan", "1e2", "1000001"}) {
    EXPECT_FALSE(parse_factor(text)) << text;
  }
}

TEST(Size, ASizeHasAUnit) {
  EXPECT_EQ(parse_size("0B"), 0u);
  EXPECT_EQ(parse_size("1500B"), 1500u);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("16777215TiB"), 16777215ull << 40);
  for (const auto* text :
       {"", "5", "KiB", "5KB", "5kib", "5 KiB", "1.5MiB", "-1B", "16777216TiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Size, ItIsWrittenWithTheLargestExactUnit) {
  for (const auto* text : {"0B", "1500B", "64KiB", "1MiB", "4GiB", "1025MiB", "2TiB"}) {
    EXPECT_EQ(size_text(*parse_size(text)), text);
  }
  EXPECT_EQ(size_text(1024), "1KiB");
}

TEST(YamlText, TextsThatYamlWouldMisreadAreQuoted) {
  EXPECT_EQ(yaml_text("tcp://127.0.0.1:7700"), "tcp://127.0.0.1:7700");
  EXPECT_EQ(yaml_text(""), "\"\"");
  EXPECT_EQ(yaml_text("a b"), "\"a b\"");
  EXPECT_EQ(yaml_text("null"), "\"null\"");
  EXPECT_EQ(yaml_text("-a"), "\"-a\"");
  EXPECT_EQ(yaml_text("tcp://*:1"), "\"tcp://*:1\"");
  EXPECT_EQ(yaml_text("a\"\\\n"), "\"a\\\"\\\\\\x0a\"");
}

TEST(Address, HostsAndPortsAreRead) {
  EXPECT_EQ(parse_address("tcp://127.0.0.1:7700")->host, "127.0.0.1");
  EXPECT_EQ(parse_address("tcp://127.0.0.1:7700")->port, "7700");
  EXPECT_EQ(parse_address("tcp://[::1]:*")->host, "::1");
  EXPECT_EQ(parse_address("tcp://*:0")->host, "*");
  EXPECT_EQ(parse_address("tcp://my-host.example_1:65535")->port, "65535");
  for (const auto* text :
       {"", "tcp://", "127.0.0.1:7700", "http://a:1", "tcp://a", "tcp://a:", "tcp://:1",
        "tcp://a:65536", "tcp://a:x", "tcp://a:-1", "tcp://::1:5", "tcp://[]:5", "tcp://a b:5",
        "tcp://[x]:5", "ipc:///tmp/x", "tcp://a/b:5"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Address, LoopbackIsWhatNobodyElseReaches) {
  for (const auto* text :
       {"tcp://127.0.0.1:1", "tcp://127.9.8.7:1", "tcp://localhost:1", "tcp://[::1]:1"}) {
    EXPECT_TRUE(is_loopback(text)) << text;
  }
  for (const auto* text : {"tcp://0.0.0.0:1", "tcp://*:1", "tcp://[::]:1", "tcp://10.0.0.1:1",
                           "tcp://128.0.0.1:1", "tcp://127.0.0.1.example.org:1",
                           "tcp://127.evil.a.b:1", "tcp://example.org:1", "nonsense"}) {
    EXPECT_FALSE(is_loopback(text)) << text;
  }
}

TEST(Address, AllInterfacesAreReachedOverLoopback) {
  EXPECT_EQ(reachable_here("tcp://*:1"), "tcp://127.0.0.1:1");
  EXPECT_EQ(reachable_here("tcp://0.0.0.0:1"), "tcp://127.0.0.1:1");
  EXPECT_EQ(reachable_here("tcp://[::]:1"), "tcp://127.0.0.1:1");
  EXPECT_EQ(reachable_here("tcp://10.0.0.1:1"), "tcp://10.0.0.1:1");
  EXPECT_TRUE(names_port("tcp://10.0.0.1:1"));
  for (const auto* any : {"tcp://10.0.0.1:0", "tcp://10.0.0.1:00", "tcp://10.0.0.1:*"}) {
    EXPECT_FALSE(names_port(any)) << any;
  }
}

TEST(Nearest, DistancesCountLettersChanged) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("submti", "submit"), 1u);
}

TEST(Nearest, OnlyANearWordIsOffered) {
  const std::vector<std::string> words = {"submit", "stats", "task"};
  EXPECT_EQ(nearest("submti", words), "submit");
  EXPECT_EQ(nearest("tsk", words), "task");
  EXPECT_EQ(nearest("frobnicate", words), std::nullopt);
  EXPECT_EQ(nearest("", words), std::nullopt);
  EXPECT_EQ(did_you_mean("sttas", words), " Did you mean stats?");
  EXPECT_EQ(did_you_mean("x", words), "");
}

}  // namespace
}  // namespace drover::config
