// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.LeaveStream;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.stream.StreamCall;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
import java.time.Duration;

/// One call at a stream, from its command to its answer. It may wait between them: the core tells
/// when its time is up. If its client leaves, or it may not go on, it is called off; what was on
/// its way to it by then is [missed][#missed].
///
/// Touched by its event loop alone.
///
/// @param <R> what its command yields
abstract sealed class OpenCall<R> permits OpenSend, OpenReceive, OpenReplay {
  /// Waits shorter than this need no allowance from the connection.
  private static final long SHORT_MS = 60_000;

  final StreamsApi api;
  final Call call;
  private final Scope scope;
  private final long waitMs;
  private Authenticator.Caller caller;
  private boolean isCounted;
  private boolean isOver;

  /// @param caller who calls, and may
  /// @param scope what the caller needs for it
  /// @param waitMs how long it may wait, milliseconds; 0 not to wait
  OpenCall(StreamsApi api, Call call, Authenticator.Caller caller, Scope scope, long waitMs) {
    this.api = api;
    this.call = call;
    this.caller = caller;
    this.scope = scope;
    // It does not outlive its token.
    this.waitMs =
        waitMs == 0
            ? 0
            : Math.max(1, Math.min(waitMs, caller.expiresAt() - api.services().time().wallMs()));
  }

  /// What the core knows it by.
  abstract StreamCall call();

  /// What it asks of the core.
  abstract Command<R> command();

  /// Answers with what its command has yielded.
  abstract void answer(R result);

  /// Its command has yielded something, but it is over by now.
  abstract void missed(R result);

  /// Answers that its time is up before the command has yielded anything.
  ///
  /// @param undone whether nothing was done by it
  abstract void answerCalledOff(boolean undone);

  /// How long the core lets it wait, milliseconds; 0 not to wait.
  final long waitMs() {
    return waitMs;
  }

  final String principalId() {
    return caller.principal().id();
  }

  /// Begins it, or answers 429 if it may not wait because too many do.
  final void start() {
    if (waitMs > 0) {
      if (api.isStopping()) {
        call.unavailable("the server stops; nothing was done; try again");
        return;
      }
      if (!api.mayWait(this)) {
        call.detail(429, api.services().waiters().refusal());
        return;
      }
      isCounted = true;
      if (waitMs > SHORT_MS) {
        call.answeredWithin(Duration.ofMillis(waitMs));
      }
    }
    call.whenGone(this::gone);
    api.services().node().submit(command(), api.loop(), this::answered);
  }

  private void answered(Outcome<R> outcome) {
    if (isOver) {
      if (outcome instanceof Outcome.Done<R>(R result)) {
        missed(result);
      }
      return;
    }
    finish();
    call.guarded(() -> {
      switch (outcome) {
        case Outcome.Done<R>(R result) -> answer(result);
        case Outcome.Refused<R>(Refusal refusal) -> StreamsApi.refused(call, refusal);
      }
    });
  }

  private void finish() {
    isOver = true;
    if (isCounted) {
      isCounted = false;
      api.left(this);
    }
  }

  private void gone() {
    if (!isOver) {
      finish();
      api.followUp(new LeaveStream(call()), _ -> {});
    }
  }

  /// Answers that nothing came: that its time is up, or that of its token.
  final void answerTimedOut() {
    if (api.services().time().wallMs() >= caller.expiresAt()) {
      call.unauthorized(Authenticator.Reason.BAD_TOKEN.detail());
    } else {
      StreamsApi.timedOut(call);
    }
  }

  /// Ends it because the server stops.
  final void goAway() {
    if (!isOver) {
      finish();
      api.followUp(new LeaveStream(call()), undone -> call.guarded(() -> answerCalledOff(undone)));
    }
  }

  /// Looks at its rights again, since those of `principalId` have become fewer.
  final void recheck(String principalId) {
    if (isOver || !caller.principal().id().equals(principalId)) {
      return;
    }
    switch (api.services().authenticator().now(caller)) {
      case Authenticator.Caller now -> {
        caller = now;
        if (!StreamsApi.mayCall(now.principal(), scope, call().stream())) {
          end(() -> StreamsApi.deny(call, now.principal(), scope));
        }
      }
      case Authenticator.Unknown unknown -> end(() -> call.unauthorized(unknown.detail()));
      case Authenticator.Barred barred -> end(() -> call.detail(403, barred.detail()));
    }
  }

  private void end(Runnable answer) {
    finish();
    api.followUp(new LeaveStream(call()), _ -> {});
    call.guarded(answer);
  }
}
