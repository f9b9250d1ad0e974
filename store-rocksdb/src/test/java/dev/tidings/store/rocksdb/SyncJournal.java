// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Writes down how long each file was at its last sync, in a file of its own, and can later cut the
/// files back to that: what a machine that stopped would have kept.
///
/// A `kill -9` leaves the page cache, so a store that never syncs survives it. Used by a process
/// that is killed ([#SyncJournal(Path)], as its [FileSyncListener]) and by the test that killed it
/// ([#cutBack]). The journal's own lines survive the kill since they go to the page cache before
/// the write that they are about is answered.
public final class SyncJournal implements FileSyncListener {
  private final FileChannel journal;
  private final Map<Path, Long> lengths = new HashMap<>();

  /// Appends to `file`.
  public SyncJournal(Path file) throws IOException {
    journal =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  @Override
  public synchronized void appended(Path file, long length) {
    lengths.merge(file, length, Long::sum);
  }

  @Override
  public synchronized void synced(Path file) {
    String line = lengths.getOrDefault(file, 0L) + " " + file.getFileName() + "\n";
    try {
      journal.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What a cut did: how many bytes of which kinds of file went.
  public record Cut(long bytes, Set<String> syncedKinds) {}

  /// Cuts the write-ahead logs, manifests, tables and blob files in `database` back to their length
  /// at their last sync; a file that was never synced keeps nothing. The small files that RocksDB
  /// writes whole, syncs and renames tell nothing and are left alone.
  public static Cut cutBack(Path database, Path journal) throws IOException {
    Map<String, Long> synced = new HashMap<>();
    for (String line : Files.readAllLines(journal)) {
      int space = line.indexOf(' ');
      synced.put(line.substring(space + 1), Long.parseLong(line.substring(0, space)));
    }
    long bytes = 0;
    Set<String> kinds = new TreeSet<>();
    List<Path> files;
    try (Stream<Path> listed = Files.list(database)) {
      files = listed.toList();
    }
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (!name.matches("\\d+\\.(log|sst|blob)|MANIFEST-\\d+")) {
        continue;
      }
      if (synced.containsKey(name)) {
        kinds.add(name.startsWith("MANIFEST") ? "MANIFEST" : name.substring(name.indexOf('.')));
      }
      long keep = synced.getOrDefault(name, 0L);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        if (channel.size() > keep) {
          bytes += channel.size() - keep;
          channel.truncate(keep);
        } else if (channel.size() < keep) {
          throw new IllegalStateException(
              file + " has " + channel.size() + " bytes, fewer than were synced: " + keep);
        }
      }
    }
    return new Cut(bytes, kinds);
  }
}
