// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataDirectoryTest {
  @TempDir Path folder;

  /// Outside --dev the directory was made with the usual rights, and everyone on the machine could
  /// read messages and password hashes.
  @Test
  void directory_isMadeForItsOwnerAlone_alsoWhereItWasOpen() throws Exception {
    Path data = folder.resolve("a/data");
    for (int i = 0; i < 2; i++) {
      DataDirectory.take(data).close();
      assertThat(rights(data)).isEqualTo("rwx------");
      set(data, "rwxr-xr-x");
    }
    Path empty = Files.createDirectory(folder.resolve("empty"));
    set(empty, "rwxrwxrwx");
    DataDirectory.makePrivate(empty);
    assertThat(rights(empty)).isEqualTo("rwx------");
  }

  @Test
  void openDirectory_ofOthers_isRefusedAndLeftAlone() throws Exception {
    Path shared = Files.createDirectory(folder.resolve("shared"));
    set(shared, "rwxrwxrwx");
    Files.writeString(shared.resolve("notes"), "");
    assertThatThrownBy(() -> DataDirectory.makePrivate(shared))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("rwxrwxrwx")
        .hasMessageContaining("--data-dir");
    assertThat(rights(shared)).isEqualTo("rwxrwxrwx");
  }

  /// A second server with a store in memory deleted the socket of the first.
  @Test
  void secondTake_isRefused_whateverTheStore() throws Exception {
    try (DataDirectory _ = DataDirectory.take(folder)) {
      assertThatThrownBy(() -> DataDirectory.take(folder))
          .isInstanceOf(StartException.class)
          .hasMessageContaining("is in use by this process");
    }
    DataDirectory.take(folder).close();
  }

  private static String rights(Path directory) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(directory));
  }

  private static void set(Path directory, String rights) throws Exception {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(rights));
  }
}
