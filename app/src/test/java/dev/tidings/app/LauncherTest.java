// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The launcher script in a small tree of its own, whose build only copies a jar.
@Timeout(60)
class LauncherTest {
  private static final Path REPOSITORY = Path.of("..");

  @TempDir Path folder;
  private Path root;

  /// What the jar runs.
  static final class Launched {
    private Launched() {}

    public static void main(String[] args) {
      System.out.println(
          "ran " + String.join("|", args) + " " + System.getProperty("tidings.test", "-"));
    }
  }

  private record Ended(int code, String out, String err) {}

  @BeforeEach
  void makeTree() throws IOException {
    root = Files.createDirectories(folder.resolve("the tree"));
    Files.createDirectories(root.resolve(".mvn"));
    copy("tidings");
    copy(".mvn/find-jdk.sh");
    Files.createDirectories(root.resolve("core/src/main/java"));
    Files.writeString(root.resolve("pom.xml"), "");
    Files.writeString(root.resolve("core/pom.xml"), "");
    Files.writeString(root.resolve("core/src/main/java/A.java"), "");
    makeJar(root.resolve("made.jar"));
    buildIs("echo built >>builds; mkdir -p app/target; cp made.jar app/target/tidings.jar");
  }

  @Test
  void firstStart_builds_theNextDoesNot() throws Exception {
    Ended first = run(root, "./tidings", "serve", "--dev");
    assertThat(first.out()).isEqualTo("ran serve|--dev -\n");
    assertThat(first.err().lines()).hasSize(1).allMatch(line -> line.contains("building"));
    Ended second = run(root, "./tidings", "a b");
    assertThat(second).isEqualTo(new Ended(0, "ran a b -\n", ""));
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void newerSource_isBuiltOnce_evenIfTheJarStaysAsItWas() throws Exception {
    run(root, "./tidings");
    buildIs("echo built >>builds");
    Files.setLastModifiedTime(
        root.resolve("app/target/tidings.jar"), FileTime.from(Instant.now().minusSeconds(100)));
    Files.setLastModifiedTime(
        root.resolve("app/target/tidings.built"), FileTime.from(Instant.now().minusSeconds(90)));
    Files.setLastModifiedTime(
        root.resolve("core/src/main/java/A.java"), FileTime.from(Instant.now().minusSeconds(80)));
    run(root, "./tidings");
    run(root, "./tidings");
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void twoAtOnce_buildOnce() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start(root, Map.of(), "./tidings", "x"));
    }
    for (Process process : processes) {
      assertThat(process.waitFor()).isZero();
    }
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void symbolicLink_fromAnotherFolder_works() throws Exception {
    Path elsewhere = Files.createDirectories(folder.resolve("else"));
    Files.createSymbolicLink(folder.resolve("first"), Path.of("the tree", "tidings"));
    Files.createSymbolicLink(elsewhere.resolve("second"), Path.of("..", "first"));
    assertThat(run(elsewhere, "./second", "x").out()).isEqualTo("ran x -\n");
  }

  @Test
  void failingBuild_isShown_andNothingRuns() throws Exception {
    buildIs("echo '[INFO] chatter'; echo '[ERROR] it broke'; exit 1");
    Ended ended = run(root, "./tidings", "x");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.err())
        .contains("[ERROR] it broke", "the build failed")
        .doesNotContain("chatter");
  }

  @Test
  void javaOptions_reachTheJvm() throws Exception {
    Process process =
        start(root, Map.of("TIDINGS_JAVA_OPTS", "-Dtidings.test=yes -Xmx64m"), "./tidings", "x");
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isEqualTo("ran x yes\n");
  }

  @Test
  void noJdk_isToldWithWhatToDo() throws Exception {
    Files.writeString(root.resolve(".mvn/find-jdk.sh"), "find_jdk() { JDK_HOME=; }\n");
    Ended ended = run(root, "./tidings", "x");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("no JDK 25 found", "JAVA_HOME");
  }

  @Test
  void jdk_isFound_whereThereIsNoHome() throws Exception {
    ProcessBuilder builder = builder(root, Map.of(), "./tidings", "x");
    builder.environment().remove("HOME");
    assertThat(builder.start().waitFor()).isZero();
  }

  private long builds() throws IOException {
    return Files.readAllLines(root.resolve("builds")).size();
  }

  private void buildIs(String commands) throws IOException {
    executable(root.resolve("mvnw"), "#!/bin/sh\n" + commands + "\n");
  }

  private void copy(String file) throws IOException {
    executable(root.resolve(file), Files.readString(REPOSITORY.resolve(file)));
  }

  private static void executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void makeJar(Path file) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Launched.class.getName());
    String entry = Launched.class.getName().replace('.', '/') + ".class";
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest);
        var bytes = Launched.class.getClassLoader().getResourceAsStream(entry)) {
      jar.putNextEntry(new JarEntry(entry));
      bytes.transferTo(jar);
    }
  }

  private static Ended run(Path directory, String... command) throws Exception {
    Process process = start(directory, Map.of(), command);
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), out, err);
  }

  private static Process start(Path directory, Map<String, String> variables, String... command)
      throws IOException {
    return builder(directory, variables, command).start();
  }

  private static ProcessBuilder builder(
      Path directory, Map<String, String> variables, String... command) {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(variables);
    return builder;
  }
}
