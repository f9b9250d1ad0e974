// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.ForwardingStore;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongFunction;

/// A store that notes what becomes of messages left in its outbox, and holds its caller to what
/// [StoreRecord] says of them: only what lies there is taken out, once, and what is appended for it
/// is in the same batch.
final class LeftMessages extends ForwardingStore {
  private final MemoryStore.Memory memory;
  private long ever;
  // By id, in the order in which they were left: the topic.
  final Map<Long, String> waiting = new LinkedHashMap<>();
  // By topic, whatever its log, in the order in which they were appended.
  final Map<String, List<Long>> delivered = new HashMap<>();
  final Map<String, List<Long>> dropped = new HashMap<>();
  // Numbers of logs that cannot be opened, and names of topics whose entries cannot be read.
  final Set<Integer> unreadable = new HashSet<>();
  final Set<String> damaged = new HashSet<>();

  LeftMessages(MemoryStore.Memory memory) {
    super(new MemoryStore(memory));
    this.memory = memory;
  }

  /// Leaves a message whose payload is its id.
  long leave(String topic) {
    return leave(topic, 0);
  }

  /// Leaves a message whose payload is its id and so many spaces.
  long leave(String topic, int spaces) {
    return leave(
        topic,
        id -> new NewMessage(Payload.of(id + " ".repeat(spaces)), Payload.EMPTY, Message.NEVER));
  }

  /// Leaves a message whose payload is its id and any white space.
  long leave(String topic, LongFunction<NewMessage> message) {
    long id = ++ever;
    assertThat(memory.leave(topic, message.apply(id))).isEqualTo(id);
    waiting.put(id, topic);
    return id;
  }

  static List<Long> all(Map<String, List<Long>> byTopic) {
    return byTopic.values().stream().flatMap(List::stream).toList();
  }

  List<Long> deliveredTo(String topic) {
    return delivered.getOrDefault(topic, List.of());
  }

  List<Long> droppedOf(String topic) {
    return dropped.getOrDefault(topic, List.of());
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    SlotSet refused = super.commit(batch);
    List<Long> appended = new ArrayList<>();
    List<Long> taken = new ArrayList<>();
    for (StoreRecord record : batch.records()) {
      if (refused.contains(record.slot())) {
        continue;
      }
      if (record instanceof StoreRecord.MessagesAppended run) {
        for (Message message : run.messages()) {
          appended.add(Long.parseLong(message.payload().text().strip()));
        }
      } else if (record instanceof StoreRecord.OutboxTaken left) {
        taken.addAll(left.ids());
      }
    }
    // The tests publish nothing but through the outbox.
    assertThat(taken).containsAll(appended).doesNotHaveDuplicates();
    Set<Long> inLogs = new HashSet<>(appended);
    for (long id : taken) {
      String topic = waiting.remove(id);
      assertThat(topic).as("lies in the outbox: %s", id).isNotNull();
      (inLogs.contains(id) ? delivered : dropped)
          .computeIfAbsent(String.valueOf(topic), _ -> new ArrayList<>())
          .add(id);
    }
    return refused;
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    if (unreadable.contains(incarnation)) {
      throw new StoreException("log " + incarnation + " cannot be read");
    }
    return super.extent(incarnation);
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    DirectoryContents contents = super.loadDirectory();
    List<Entry> left = new ArrayList<>(contents.entries());
    List<DirectoryContents.Damaged> aside = new ArrayList<>();
    for (String name : damaged) {
      if (left.removeIf(it -> it.kind() == Entry.Kind.TOPIC && it.key().equals(name))) {
        aside.add(new DirectoryContents.Damaged(Entry.Kind.TOPIC, name, "checksum; kept aside"));
      }
    }
    return new DirectoryContents(
        left,
        contents.lastIncarnation(),
        contents.lastStreamNumber(),
        contents.lastScheduled(),
        aside);
  }
}
