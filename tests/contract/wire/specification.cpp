#include "tests/contract/wire/specification.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <msgpack.hpp>
#include <set>
#include <stdexcept>

#include "common/base/ids.hpp"
#include "tests/contract/wire/vectors.hpp"

namespace drover::wire::contract {
namespace {

// "[" entries "]" | "list<" type ">" | word, each with "?" behind it if nil is allowed. An entry of
// an array is a type, or a name and a type.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text), left_(text) {}

  Type whole() {
    Type type = parse();
    if (!left_.empty()) fail();
    return type;
  }

 private:
  Type parse() {
    Type type;
    if (take("[")) {
      type.name = "array";
      do {
        type.fields.push_back(entry());
      } while (take(", "));
      if (!take("]")) fail();
    } else if (take("list<")) {
      type.name = "list";
      type.fields.push_back({"", parse()});
      if (!take(">")) fail();
    } else {
      type.name = word();
    }
    type.may_be_nil = take("?");
    return type;
  }

  Field entry() {
    const auto before = left_;
    if (const auto name = word(); !name.empty() && take(" ")) return {name, parse()};
    left_ = before;
    return {"", parse()};
  }

  std::string word() {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const auto end = std::find_if_not(left_.begin(), left_.end(), is_letter);
    const std::string found(left_.begin(), end);
    left_.remove_prefix(found.size());
    return found;
  }

  bool take(std::string_view wanted) {
    if (!left_.starts_with(wanted)) return false;
    left_.remove_prefix(wanted.size());
    return true;
  }

  [[noreturn]] void fail() const {
    throw std::invalid_argument("not a type: " + std::string(text_));
  }

  std::string_view text_, left_;
};

std::vector<Field> read_pairs(const YAML::Node& list) {
  std::vector<Field> fields;
  for (const auto& pair : list) {
    fields.push_back({pair[0].as<std::string>(), parse_type(pair[1].as<std::string>())});
  }
  return fields;
}

// A sentence with a comma in it and no quotes round it would be keys of its own.
void allow_only(const YAML::Node& map, const std::set<std::string>& keys) {
  for (const auto& member : map) {
    const auto key = member.first.as<std::string>();
    if (!keys.contains(key)) throw std::invalid_argument("not a key of an entry: " + key);
  }
}

YAML::Node yaml(const std::string& name) {
  return YAML::LoadFile(DROVER_SOURCE_DIR "/schemas/wire/" + name);
}

}  // namespace

Type parse_type(std::string_view text) { return TypeParser(text).whole(); }

Specification Specification::load() {
  Specification spec;
  const YAML::Node file = yaml("messages.yaml");
  for (const auto& field : file["task"]) {
    allow_only(field, {"field", "type", "says"});
    spec.task_.push_back(
        {field["field"].as<std::string>(), parse_type(field["type"].as<std::string>())});
  }
  spec.outcome_ = read_pairs(file["outcome"]);
  for (const auto* family :
       {"client_to_broker", "broker_to_client", "worker_to_broker", "broker_to_worker"}) {
    for (const auto& message : file[family]) {
      allow_only(message.second, {"kind", "fields", "answered_by", "says"});
      spec.messages_.push_back({family, message.first.as<std::string>(),
                                message.second["kind"].as<std::uint64_t>(),
                                read_pairs(message.second["fields"])});
    }
  }
  spec.codes_["OK"] = 0;
  for (const auto& error : yaml("errors.yaml")["errors"]) {
    allow_only(error, {"number", "name", "http", "who", "says"});
    spec.codes_[error["name"].as<std::string>()] = error["number"].as<std::uint64_t>();
  }
  return spec;
}

const Message* Specification::find(std::string_view family, std::string_view name) const {
  const auto at = std::find_if(messages_.begin(), messages_.end(), [&](const Message& m) {
    return m.family == family && m.name == name;
  });
  return at == messages_.end() ? nullptr : &*at;
}

// --- packing

class Packer {
 public:
  Packer(const Specification& spec, msgpack::sbuffer& out) : spec_(spec), out_(out) {}

  void message(const Message& m, const Json& json) {
    out_.pack_array(static_cast<std::uint32_t>(1 + m.fields.size()));
    out_.pack(m.kind);
    for (const auto& field : m.fields) value(field, member(json, field));
  }

  // What follows the last field said is left out.
  void task(const Json& json) {
    std::size_t count = spec_.task_.size();
    while (count > 3 && !json.contains(spec_.task_[count - 1].name)) --count;
    first(spec_.task_, count, json);
  }

  // Three fields; four with a warning; all of them if it was refused.
  void outcome(const Json& json) {
    const auto count = json.contains("code")      ? spec_.outcome_.size()
                       : json.contains("warning") ? 4
                                                  : 3;
    first(spec_.outcome_, count, json);
  }

 private:
  void first(const std::vector<Field>& fields, std::size_t count, const Json& json) {
    out_.pack_array(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) value(fields[i], member(json, fields[i]));
  }

  static const Json& member(const Json& json, const Field& field) {
    static const Json nothing;
    const auto at = json.find(field.name);
    if (at != json.end()) return *at;
    if (!field.type.may_be_nil) throw std::invalid_argument("there is no field " + field.name);
    return nothing;
  }

  void value(const Field& field, const Json& json) {
    const Type& type = field.type;
    if (json.is_null() && type.may_be_nil) {
      out_.pack_nil();
    } else if (type.name == "list") {
      out_.pack_array(static_cast<std::uint32_t>(json.size()));
      for (const auto& element : json) value(type.fields[0], element);
    } else if (type.name == "array") {
      array(type, json);
    } else if (type.name == "task") {
      task(json);
    } else if (type.name == "outcome") {
      outcome(json);
    } else if (type.name == "raw") {
      // The one that is not a task is the body of an answer.
      field.name == "task" ? task(json) : any(json);
    } else if (type.name == "bool") {
      json.get<bool>() ? out_.pack_true() : out_.pack_false();
    } else if (type.name == "str") {
      text(json.get<std::string>());
    } else if (type.name == "bin") {
      blob(bytes_of(json));
    } else if (type.name == "id") {
      const auto id = parse_uuid(json.get<std::string>());
      if (!id) throw std::invalid_argument("not an id: " + json.dump());
      blob(std::string(id->begin(), id->end()));
    } else if (type.name == "uint") {
      out_.pack_uint64(number(field.name, json));
    } else if (type.name == "int" || type.name == "ms" || type.name == "instant") {
      out_.pack_int64(json.is_string() ? std::stoll(json.get<std::string>())
                                       : json.get<std::int64_t>());
    } else {
      throw std::invalid_argument("messages.yaml has a type that it does not explain: " +
                                  type.name);
    }
  }

  void array(const Type& type, const Json& json) {
    out_.pack_array(static_cast<std::uint32_t>(type.fields.size()));
    for (std::size_t i = 0; i < type.fields.size(); ++i) {
      const Field& field = type.fields[i];
      value(field, field.name.empty() ? json.at(i) : member(json, field));
    }
  }

  // Numbers that people read as names are names in the JSON.
  std::uint64_t number(const std::string& field, const Json& json) const {
    static const std::map<std::string, std::vector<std::string>> names = {
        {"priority", {"low", "normal", "high", "urgent", "critical"}},
        {"state",
         {"blocked", "scheduled", "ready", "running", "retrying", "completed", "dead", "cancelled",
          "expired"}},
        {"outcome",
         {"none", "completed", "failed", "timed_out", "worker_lost", "released", "yielded",
          "parked", "not_started", "stopped"}}};
    if (!json.is_string()) return json.get<std::uint64_t>();
    const auto text = json.get<std::string>();
    if (field == "code") return spec_.codes_.at(text);
    if (const auto list = names.find(field); list != names.end()) {
      const auto at = std::find(list->second.begin(), list->second.end(), text);
      if (at != list->second.end()) return static_cast<std::uint64_t>(at - list->second.begin());
    }
    return std::stoull(text);
  }

  void any(const Json& json) {
    if (json.is_null()) {
      out_.pack_nil();
    } else if (json.is_boolean()) {
      json.get<bool>() ? out_.pack_true() : out_.pack_false();
    } else if (json.is_number_unsigned()) {
      out_.pack_uint64(json.get<std::uint64_t>());
    } else if (json.is_number_integer()) {
      out_.pack_int64(json.get<std::int64_t>());
    } else if (json.is_number_float()) {
      out_.pack_double(json.get<double>());
    } else if (json.is_string()) {
      text(json.get<std::string>());
    } else if (json.is_array()) {
      out_.pack_array(static_cast<std::uint32_t>(json.size()));
      for (const auto& element : json) any(element);
    } else if (is_blob(json)) {
      blob(bytes_of(json));
    } else {
      out_.pack_map(static_cast<std::uint32_t>(json.size()));
      for (const auto& [key, element] : json.items()) {
        text(key);
        any(element);
      }
    }
  }

  void text(const std::string& value) { out_.pack(value); }
  void blob(const std::string& value) {
    out_.pack_bin(static_cast<std::uint32_t>(value.size()));
    out_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }

  const Specification& spec_;
  msgpack::packer<msgpack::sbuffer> out_;
};

std::string Specification::pack(std::string_view family, const Json& message) const {
  msgpack::sbuffer out;
  Packer packer(*this, out);
  if (family == "task") {
    packer.task(message);
  } else {
    const auto name = message.at("kind").get<std::string>();
    const Message* described = find(family, name);
    if (described == nullptr) throw std::invalid_argument(std::string(family) + " has no " + name);
    packer.message(*described, message);
  }
  return {out.data(), out.size()};
}

}  // namespace drover::wire::contract
