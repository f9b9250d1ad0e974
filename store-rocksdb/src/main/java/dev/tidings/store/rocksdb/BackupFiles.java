// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Moves the files of backups: every byte through a checksum, every file and name to the disk, and
/// for their owner alone.
final class BackupFiles {
  private static final int PIECE_BYTES = 1 << 20;
  private static final Set<PosixFilePermission> PRIVATE_FILE =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
  private static final FileAttribute<?> FILE_RIGHTS =
      PosixFilePermissions.asFileAttribute(PRIVATE_FILE);
  private static final FileAttribute<?> DIRECTORY_RIGHTS =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final BooleanSupplier stopped;
  private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);

  /// @param stopped asked after every MiB; once it says yes, what is under way fails
  BackupFiles(BooleanSupplier stopped) {
    this.stopped = stopped;
  }

  /// What a file holds.
  ///
  /// @param sha256 in hexadecimal digits
  record Content(long size, String sha256) {}

  /// Reads a file.
  Content read(Path file) throws IOException {
    return pass(file, null);
  }

  /// Makes `to` another name of `from` where the file system allows that, and a copy elsewhere.
  ///
  /// Only for files that nobody will write to any more.
  Content linkOrCopy(Path from, Path to) throws IOException {
    try {
      Files.createLink(to, from);
    } catch (UnsupportedOperationException | FileSystemException _) {
      // Another disk, or one without links. What else may be wrong, the copy meets too.
      return copy(from, to);
    }
    Files.setPosixFilePermissions(to, PRIVATE_FILE);
    sync(to);
    return read(to);
  }

  /// Copies a file; the copy is durable, its name is not yet.
  Content copy(Path from, Path to) throws IOException {
    try (FileChannel out = create(to)) {
      Content content = pass(from, out);
      out.force(true);
      return content;
    }
  }

  private Content pass(Path from, @Nullable FileChannel to) throws IOException {
    MessageDigest digest = sha256();
    long size = 0;
    try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ)) {
      while (in.read(piece.clear()) >= 0) {
        if (stopped.getAsBoolean()) {
          throw new IOException("the store was closed meanwhile");
        }
        size += piece.flip().remaining();
        digest.update(piece.duplicate());
        while (to != null && piece.hasRemaining()) {
          to.write(piece);
        }
      }
    }
    return new Content(size, HexFormat.of().formatHex(digest.digest()));
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(
        file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), FILE_RIGHTS);
  }

  /// Writes a new file; it is durable, its name is not yet.
  static void write(Path file, byte[] bytes) throws IOException {
    try (FileChannel out = create(file)) {
      ByteBuffer left = ByteBuffer.wrap(bytes);
      while (left.hasRemaining()) {
        out.write(left);
      }
      out.force(true);
    }
  }

  /// Makes a directory.
  static void makeDirectory(Path directory) throws IOException {
    Files.createDirectory(directory, DIRECTORY_RIGHTS);
  }

  /// Makes the names in a directory durable, or the content of a file.
  static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /// Makes the name of `path` durable.
  static void syncName(Path path) throws IOException {
    sync(path.resolveSibling("."));
  }

  /// The names in a directory, in order.
  static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /// Deletes a directory with all that is in it, if it is there; links are not followed.
  static void delete(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
