// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps copies of damaged records, so that an operator can look at them and nothing is lost for
/// good by a later compaction. The records themselves stay where they are.
///
/// Each record makes two files: its bytes (`.bin`, if they could be had) and what is wrong with
/// them (`.txt`). Their name is made of the record and its bytes, so the same damage met again adds
/// nothing.
final class Quarantine {
  private static final Logger log = LoggerFactory.getLogger(Quarantine.class);

  /// What `health` lists at most.
  private static final int LISTED = 100;

  /// Records remembered as already told; beyond that, damage is still kept aside, but told again
  /// each time it is met.
  private static final int REMEMBERED = 10_000;

  private final Path directory;
  private final Set<String> told = new LinkedHashSet<>();

  Quarantine(Path directory) {
    this.directory = directory;
  }

  /// Keeps `bytes` of the record `label` aside.
  ///
  /// @param label names the record and fits into a file name
  /// @param what the record in words
  /// @return what is wrong and where the bytes are, for messages
  String keep(String label, String what, String reason, ByteBuffer bytes) {
    return keep(label + "-" + digest(bytes), what, reason, Optional.of(bytes));
  }

  /// A short name for `reason`, which names the place in a file: however many records lie there,
  /// the same damage has one name.
  static String digest(String reason) {
    return digest(ByteBuffer.wrap(reason.getBytes(StandardCharsets.UTF_8)));
  }

  private static String digest(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return "%08x".formatted((int) crc.getValue());
  }

  /// Notes damage whose bytes could not be had.
  String note(String label, String what, String reason) {
    return keep(label + "-unreadable", what, reason, Optional.empty());
  }

  private synchronized String keep(
      String name, String what, String reason, Optional<ByteBuffer> bytes) {
    String text = what + ": " + reason + "; kept aside as " + directory.resolve(name);
    if (told.contains(name)) {
      return text;
    }
    try {
      Files.createDirectories(directory);
      if (bytes.isPresent()) {
        write(name + ".bin", bytes.get().duplicate());
      }
      write(name + ".txt", ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      // Reading goes on: a full disk must not take away the messages behind the damage. The name is
      // not remembered, so that the next reader tries again.
      log.error("Damaged record, and it cannot be kept aside: {}", text, e);
      return text;
    }
    if (told.size() < REMEMBERED) {
      told.add(name);
    }
    log.error("Damaged record skipped: {}", text);
    return text;
  }

  private void write(String name, ByteBuffer bytes) throws IOException {
    Path file = directory.resolve(name);
    if (Files.exists(file)) {
      return;
    }
    Path unfinished = directory.resolve(name + ".tmp");
    try (FileChannel channel =
        FileChannel.open(
            unfinished,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /// Names of what was kept aside since the store was opened.
  synchronized List<String> names() {
    return told.stream().limit(LISTED).toList();
  }
}
