// A heap whose items know where they are, so that any of them can be moved or taken out.
//
// 4-ary: shallower than a binary heap, and the children of a node share a cache line. All
// operations but front are O(log n). `Rules` says which item comes first and is told of each move:
//
//   bool before(const Item& a, const Item& b) const;
//   void moved(const Item& item, std::uint32_t position);  // kNowhere: it has left the heap
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace drover::broker {

template <class Item, class Rules>
class IndexedHeap {
 public:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  explicit IndexedHeap(Rules rules) : rules_(std::move(rules)) {}

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  const Item& front() const { return items_.front(); }

  void push(Item item) {
    items_.push_back(item);
    sift_up(items_.size() - 1, std::move(item));
  }

  void erase(std::uint32_t position) {
    rules_.moved(items_[position], kNowhere);
    Item last = std::move(items_.back());
    items_.pop_back();
    if (position < items_.size()) place(position, std::move(last));
  }

  // The item at `position` has changed: finds its new place.
  void update(std::uint32_t position) { place(position, items_[position]); }

 private:
  static constexpr std::size_t kChildren = 4;

  void put(std::size_t position, Item item) {
    rules_.moved(item, static_cast<std::uint32_t>(position));
    items_[position] = std::move(item);
  }

  void place(std::size_t position, Item item) {
    if (position > 0 && rules_.before(item, items_[(position - 1) / kChildren])) {
      sift_up(position, std::move(item));
    } else {
      sift_down(position, std::move(item));
    }
  }

  void sift_up(std::size_t position, Item item) {
    while (position > 0) {
      const std::size_t parent = (position - 1) / kChildren;
      if (!rules_.before(item, items_[parent])) break;
      put(position, std::move(items_[parent]));
      position = parent;
    }
    put(position, std::move(item));
  }

  void sift_down(std::size_t position, Item item) {
    for (;;) {
      const std::size_t first = position * kChildren + 1;
      if (first >= items_.size()) break;
      std::size_t least = first;
      const std::size_t last = std::min(first + kChildren, items_.size());
      for (std::size_t child = first + 1; child < last; ++child) {
        if (rules_.before(items_[child], items_[least])) least = child;
      }
      if (!rules_.before(items_[least], item)) break;
      put(position, std::move(items_[least]));
      position = least;
    }
    put(position, std::move(item));
  }

  Rules rules_;
  std::vector<Item> items_;
};

}  // namespace drover::broker
