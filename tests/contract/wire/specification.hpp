// schemas/wire/messages.yaml as a program reads it, and an encoder that knows nothing else.
//
// The encoder packs a message's JSON (schemas/wire/vectors/README.md) by the types that the file
// gives, with msgpack-c alone. If its bytes are those of the golden vectors, the file says all that
// one needs to speak the wire.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace drover::wire::contract {

// JSON whose objects keep the order in which they were written: bodies are packed in it.
using Json = nlohmann::ordered_json;

struct Field;

// "uint", "str?", "list<[task id, attempt uint]>" ...
struct Type {
  std::string name;           // uint int bool str bin id instant ms raw task outcome list array
  bool may_be_nil = false;    // "?"
  std::vector<Field> fields;  // of an array; of a list, one: its element
};

struct Field {
  std::string name;  // empty in arrays whose values have none
  Type type;
};

struct Message {
  std::string family;  // client_to_broker, broker_to_client, worker_to_broker, broker_to_worker
  std::string name;
  std::uint64_t kind = 0;
  std::vector<Field> fields;
};

class Specification {
 public:
  // Reads messages.yaml and errors.yaml of this tree. Throws what yaml-cpp throws.
  static Specification load();

  const std::vector<Message>& messages() const { return messages_; }
  const std::vector<Field>& task() const { return task_; }
  const std::vector<Field>& outcome() const { return outcome_; }
  // nullptr if the family has no such message.
  const Message* find(std::string_view family, std::string_view name) const;

  // The frame of a message of `family`, or the array of a task if the family is "task".
  std::string pack(std::string_view family, const Json& message) const;

 private:
  friend class Packer;

  std::vector<Message> messages_;
  std::vector<Field> task_, outcome_;
  std::map<std::string, std::uint64_t> codes_;  // of errors.yaml
};

// Parses the text of a type. Throws std::invalid_argument with the text.
Type parse_type(std::string_view text);

}  // namespace drover::wire::contract
