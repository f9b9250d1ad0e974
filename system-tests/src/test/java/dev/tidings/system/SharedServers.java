// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/// Starts each shared server once for the whole run, ends them after it, and shows what they
/// printed during a test that failed.
final class SharedServers
    implements BeforeAllCallback,
        ParameterResolver,
        BeforeTestExecutionCallback,
        AfterTestExecutionCallback {

  private static final Namespace NAMESPACE = Namespace.create(SharedServers.class);

  /// What takes seconds once must not count against the time of the first test.
  @Override
  public void beforeAll(ExtensionContext context) {
    TidingsJvm.prepare();
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.isAnnotated(On.class)
        && parameter.getParameter().getType() == TidingsProcess.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Setup setup = parameter.findAnnotation(On.class).orElseThrow().value();
    return context
        .getRoot()
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(setup, Shared::start, Shared.class)
        .get();
  }

  /// A started server, or why it did not start: so that it is tried once, not once per test.
  private record Shared(
      Setup setup, Optional<TidingsProcess> server, Optional<AssertionError> failure)
      implements AutoCloseable {

    static Shared start(Setup setup) {
      try {
        return new Shared(
            setup, Optional.of(TidingsProcess.toStay(setup::start)), Optional.empty());
      } catch (AssertionError e) {
        return new Shared(setup, Optional.empty(), Optional.of(e));
      }
    }

    TidingsProcess get() {
      TidingsProcess running =
          server.orElseThrow(() ->
              new ParameterResolutionException(
                  "server " + setup + " did not start", failure.orElseThrow()));
      if (!running.isAlive()) {
        throw new ParameterResolutionException(
            "server " + setup + " has died\n" + running.printed());
      }
      return running;
    }

    @Override
    public void close() {
      server.ifPresent(TidingsProcess::close);
    }
  }

  @Override
  public void beforeTestExecution(ExtensionContext context) {
    context.getStore(NAMESPACE).put("marks", TidingsProcess.marks());
  }

  @Override
  @SuppressWarnings("unchecked") // Only beforeTestExecution puts it there.
  public void afterTestExecution(ExtensionContext context) {
    if (context.getExecutionException().isPresent()) {
      var marks =
          (Map<TidingsProcess, Long>)
              context.getStore(NAMESPACE).getOrDefault("marks", Map.class, Map.of());
      String printed = TidingsProcess.printedSince(marks);
      if (!printed.isEmpty()) {
        System.err.println("What servers printed during " + context.getDisplayName() + ":");
        System.err.println(printed);
      }
    }
  }
}
