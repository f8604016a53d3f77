// schemas/wire/messages.yaml lists exactly the messages that the codec knows.

#include "tests/contract/wire/specification.hpp"

#include <gtest/gtest.h>

#include <set>

#include "common/wire/reader.hpp"
#include "common/wire/writer.hpp"
#include "tests/contract/wire/message_json.hpp"
#include "tests/contract/wire/vectors.hpp"

namespace drover::wire::contract {
namespace {

TEST(SpecificationTest, EveryMessageOfTheListIsWrittenWithItsKindAndItsFields) {
  const auto spec = Specification::load();
  const auto vectors = golden();
  for (const auto& message : spec.messages()) {
    int seen = 0;
    for (const auto& v : vectors) {
      if (v.family != message.family || v.message.at("kind") != message.name) continue;
      ++seen;
      const auto decoded = read(v.family, v.frame);
      ASSERT_TRUE(decoded) << v.name;
      Reader r(decoded->written_again);
      EXPECT_EQ(r.array(), 1 + message.fields.size()) << v.name;
      EXPECT_EQ(r.uint(), message.kind) << v.name;
    }
    EXPECT_GT(seen, 0) << message.name << " has no golden vector";
  }
}

TEST(SpecificationTest, TheCodecKnowsNoMessageThatIsNotInTheList) {
  const auto spec = Specification::load();
  for (const auto family : kFamilies) {
    if (family == "task") continue;
    std::set<std::uint64_t> listed;
    for (const auto& m : spec.messages()) {
      if (m.family == family) listed.insert(m.kind);
    }
    ASSERT_FALSE(listed.empty()) << family;
    for (std::uint64_t kind = 0; kind < 300; ++kind) {
      std::string frame;
      Writer(frame).array(2).uint(kind).nil();
      const auto decoded = read(family, frame);
      const bool known = decoded || decoded.error().code != Errc::unknown_message;
      EXPECT_EQ(known, listed.contains(kind)) << family << " " << kind;
    }
  }
}

TEST(SpecificationTest, NoTwoMessagesShareAKindOrAName) {
  std::set<std::uint64_t> kinds;
  std::set<std::string> names;
  const auto spec = Specification::load();
  for (const auto& m : spec.messages()) {
    EXPECT_TRUE(kinds.insert(m.kind).second) << m.name;
    EXPECT_TRUE(names.insert(m.family + "." + m.name).second) << m.name;
  }
}

TEST(SpecificationTest, ATaskHasTheFieldsOfTheListInTheirOrder) {
  const auto spec = Specification::load();
  std::size_t place = 0;
  for (const auto& field : spec.task()) {
    ++place;
    EXPECT_EQ(field.type.may_be_nil, place > 3) << field.name;
    if (place <= 3) continue;
    for (const auto& v : load_vectors("task")) {
      if (v.name == "only_" + field.name) {
        EXPECT_EQ(Reader(v.frame).array(), place) << field.name;
      }
    }
  }
}

TEST(SpecificationTest, AFieldThatMayBeNilMayBeNilAndNoOtherMay) {
  // Each golden frame with each field of the message set to nil, one after the other.
  const auto spec = Specification::load();
  std::set<std::string> checked;
  for (const auto& v : golden()) {
    if (v.family == "task") continue;
    const Message& message = *spec.find(v.family, v.message.at("kind").get<std::string>());
    for (std::size_t nil = 0; nil < message.fields.size(); ++nil) {
      const Type& type = message.fields[nil].type;
      if (type.name == "raw") continue;
      Reader r(v.frame);
      r.array();
      std::string frame;
      Writer w(frame);
      w.array(1 + message.fields.size()).raw(r.raw());
      for (std::size_t i = 0; i < message.fields.size(); ++i) {
        const auto field = r.raw();
        i == nil ? w.nil() : w.raw(field);
      }
      EXPECT_EQ(read(v.family, frame).has_value(), type.may_be_nil)
          << v.name << " with " << message.fields[nil].name << " nil";
      checked.insert(message.name + "." + message.fields[nil].name);
    }
  }
  EXPECT_GT(checked.size(), 80u);
}

TEST(SpecificationTest, ATypeIsReadAsItIsSpelled) {
  const Type holds = parse_type("list<[task id, attempt uint]>");
  EXPECT_EQ(holds.name, "list");
  ASSERT_EQ(holds.fields.at(0).type.fields.size(), 2u);
  EXPECT_EQ(holds.fields[0].type.fields[0].name, "task");
  EXPECT_EQ(holds.fields[0].type.fields[0].type.name, "id");
  const Type usage = parse_type("[uint, uint, uint]?");
  EXPECT_TRUE(usage.may_be_nil);
  EXPECT_EQ(usage.fields.size(), 3u);
  EXPECT_TRUE(usage.fields[0].name.empty());
  EXPECT_THROW(parse_type("list<uint"), std::invalid_argument);
  EXPECT_THROW(parse_type("uint uint"), std::invalid_argument);
}

}  // namespace
}  // namespace drover::wire::contract
