// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTag;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import dev.tidings.core.store.MemoryStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.instruction.MonitorInstruction;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.NullMarked;

/// What may see what, and what must not be used where; each rule with its reason.
@ArchTag("embedded")
@AnalyzeClasses(packages = "dev.tidings", importOptions = ArchitectureTest.MainClasses.class)
final class ArchitectureTest {
  private static final String CORE = "dev.tidings.core..";
  private static final String SERVER = "dev.tidings.server..";
  private static final String STORES = "dev.tidings.store..";
  private static final String ROCKSDB = "dev.tidings.store.rocksdb..";
  private static final String SQL = "dev.tidings.store.sql..";
  private static final String BENCH = "dev.tidings.bench..";
  private static final String APP = "dev.tidings.app..";
  private static final String OURS = "dev.tidings..";
  private static final String VERTX = "io.vertx..";

  /// Leaves out tests, also those in the test-jars of modules.
  static final class MainClasses implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/test-classes/") && !location.contains("-tests.jar");
    }
  }

  // ---- what may see what ----

  @ArchTest
  static final ArchRule coreSeesNoFramework =
      classes()
          .that()
          .resideInAPackage(CORE)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              CORE,
              "java..",
              "org.jspecify..",
              "org.slf4j..",
              "org.pcollections..",
              "org.roaringbitmap..")
          .because("the whole core runs by hand in tests, and outlives any framework");

  @ArchTest
  static final ArchRule serverSeesNoStore =
      noClasses()
          .that()
          .resideInAPackage(SERVER)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(STORES)
          .because("a server runs on any store; which one, only app knows");

  @ArchTest
  static final ArchRule serverSeesCoreOnly =
      noClasses()
          .that()
          .resideInAPackage(SERVER)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(OURS)
                  .and(
                      describe(
                          "are neither core nor server",
                          it ->
                              !it.getPackageName().startsWith("dev.tidings.core")
                                  && !it.getPackageName().startsWith("dev.tidings.server"))))
          .because("the arrows of dependency point to core");

  @ArchTest
  static final ArchRule nothingSeesApp =
      noClasses()
          .that()
          .resideOutsideOfPackage(APP)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(APP)
          .because("app puts everything together; what it wires must not know of it");

  @ArchTest
  static final ArchRule benchSeesNothingOfOurs =
      noClasses()
          .that()
          .resideInAPackage(BENCH)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(OURS)
                  .and(
                      describe(
                          "are not bench",
                          it -> !it.getPackageName().startsWith("dev.tidings.bench"))))
          .because("it speaks the public API only, so that it measures any server of that API");

  @ArchTest
  static final ArchRule rocksdbSeesCoreOnly =
      noClasses()
          .that()
          .resideInAPackage(ROCKSDB)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(OURS)
                  .and(
                      describe(
                          "are neither core nor store-rocksdb",
                          it ->
                              !it.getPackageName().startsWith("dev.tidings.core")
                                  && !it.getPackageName().startsWith("dev.tidings.store.rocksdb"))))
          .because("a store remembers what shards decided and decides nothing");

  @ArchTest
  static final ArchRule sqlSeesCoreOnly =
      noClasses()
          .that()
          .resideInAPackage(SQL)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(OURS)
                  .and(
                      describe(
                          "are neither core nor store-sql",
                          it ->
                              !it.getPackageName().startsWith("dev.tidings.core")
                                  && !it.getPackageName().startsWith("dev.tidings.store.sql"))))
          .because("a store remembers what shards decided and decides nothing");

  @ArchTest
  static final ArchRule vertxIsForFrontEnds =
      noClasses()
          .that()
          .resideOutsideOfPackages(SERVER, BENCH, APP)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(VERTX)
          .because("the network stack is the front-ends' affair and must stay replaceable");

  // ---- time ----

  private static final Map<String, Set<String>> CLOCKS =
      Map.of(
          System.class.getName(),
          Set.of("currentTimeMillis", "nanoTime"),
          Instant.class.getName(),
          Set.of("now"),
          "java.time.Clock",
          Set.of("systemUTC", "systemDefaultZone", "system"),
          "java.time.LocalDateTime",
          Set.of("now"),
          "java.time.OffsetDateTime",
          Set.of("now"),
          "java.time.ZonedDateTime",
          Set.of("now"));

  private static boolean readsClock(JavaCall<?> call) {
    return CLOCKS
        .getOrDefault(call.getTargetOwner().getName(), Set.of())
        .contains(call.getTarget().getName());
  }

  @ArchTest
  static final ArchRule coreReadsNoClock =
      noClasses()
          .that()
          .resideInAPackage(CORE)
          .should()
          .callMethodWhere(describe("it reads the system's clock", ArchitectureTest::readsClock))
          .because("time is handed in, so that tests and the simulation turn it by hand");

  private static boolean readsWallClock(JavaCall<?> call) {
    return readsClock(call) && !call.getTarget().getName().equals("nanoTime");
  }

  @ArchTest
  static final ArchRule sqlReadsNoWallClock =
      noClasses()
          .that()
          .resideInAPackage(SQL)
          .should()
          .callMethodWhere(describe("it reads the time of day", ArchitectureTest::readsWallClock))
          .because("the clocks of servers and of their database need not agree");

  @ArchTest
  static final ArchRule coreNeverSleeps =
      noClasses()
          .that()
          .resideInAPackage(CORE)
          .should()
          .callMethodWhere(
              describe(
                  "it is Thread.sleep",
                  call ->
                      call.getTargetOwner().isEquivalentTo(Thread.class)
                          && call.getTarget().getName().equals("sleep")))
          .because("waiting is for a condition, and driven by hand in tests");

  // ---- one writer ----

  @ArchTest
  static final ArchRule coreHasNoLocks =
      noClasses()
          .that()
          .resideInAPackage(CORE)
          .and()
          .doNotBelongToAnyOf(MemoryStore.class)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("java.util.concurrent.locks..")
                  .and(describe("are locks", it -> !it.isEquivalentTo(LockSupport.class))))
          .because("shard state has one writer; others hand over commands");

  @ArchTest
  static final ArchRule coreHasNoSynchronizedMethods =
      methods()
          .that()
          .areDeclaredInClassesThat(
              resideInAnyPackage(CORE)
                  .and(
                      describe("are not MemoryStore", it -> !it.isEquivalentTo(MemoryStore.class))))
          .should()
          .notHaveModifier(JavaModifier.SYNCHRONIZED)
          .because("shard state has one writer; others hand over commands");

  @ArchTest
  static final ArchRule coreHasNoSynchronizedBlocks =
      classes()
          .that()
          .resideInAPackage(CORE)
          .and()
          .doNotBelongToAnyOf(MemoryStore.class)
          .should(enterNoMonitor())
          .because("shard state has one writer; others hand over commands");

  private static ArchCondition<JavaClass> enterNoMonitor() {
    return new ArchCondition<>("enter no monitor") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean enters =
            ClassFile.of().parse(bytesOf(type)).methods().stream()
                .flatMap(method -> method.code().stream())
                .flatMap(code -> code.elementStream())
                .anyMatch(MonitorInstruction.class::isInstance);
        events.add(
            new SimpleConditionEvent(type, !enters, type.getName() + " has a synchronized block"));
      }
    };
  }

  private static byte[] bytesOf(JavaClass type) {
    try (InputStream in = type.getSource().orElseThrow().getUri().toURL().openStream()) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- style ----

  @ArchTest
  static final ArchRule classesAreClosed =
      classes()
          .that(
              describe(
                  "are named",
                  it -> !it.isAnonymousClass() && !it.getSimpleName().equals("package-info")))
          .should(
              holds(
                  "be final, abstract, sealed, a record, an interface or an enum",
                  it ->
                      it.isInterface()
                          || it.isEnum()
                          || it.isRecord()
                          || it.getModifiers().contains(JavaModifier.FINAL)
                          || it.getModifiers().contains(JavaModifier.ABSTRACT)
                          || it.reflect().isSealed()))
          .because("a class is made to be extended, or it is not");

  @ArchTest
  static final ArchRule packagesAreNullMarked =
      classes()
          .should(
              holds(
                  "be in a package marked @NullMarked",
                  it -> it.getPackage().isAnnotatedWith(NullMarked.class)))
          .because("without the mark nothing checks a package for nulls");

  private interface Check {
    boolean holds(JavaClass type);
  }

  private static ArchCondition<JavaClass> holds(String what, Check check) {
    return new ArchCondition<>(what) {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        events.add(
            new SimpleConditionEvent(
                type, check.holds(type), type.getName() + " does not: " + what));
      }
    };
  }
}
