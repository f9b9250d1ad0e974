# Sourced by ./mvnw and ./tidings: sets JDK_HOME to a JDK of the wanted release, or leaves it empty.
#
# It looks at JAVA_HOME, then at the java on PATH, then into the folders where JDKs usually live.
# A JDK is known by its `release` file, so none of the candidates has to be run.

jdk_release() { # prints the feature release of the JDK in folder $1, nothing if it is not a JDK
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

find_jdk() { # $1: the wanted feature release
  JDK_HOME=
  if [ -n "${JAVA_HOME:-}" ] && [ "$(jdk_release "$JAVA_HOME")" = "$1" ]; then
    JDK_HOME=$JAVA_HOME
    return 0
  fi
  if on_path=$(command -v java); then
    on_path=$(readlink -f "$on_path" 2>/dev/null || printf %s "$on_path")
    on_path=${on_path%/bin/java}
    if [ "$(jdk_release "$on_path")" = "$1" ]; then
      JDK_HOME=$on_path
      return 0
    fi
  fi
  for candidate in \
    /usr/lib/jvm/* /usr/java/* /opt/jdk* /opt/java/* /opt/*jdk* \
    "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/* "${HOME:-}"/.jenv/versions/* \
    "${HOME:-}"/.local/share/mise/installs/java/* "${HOME:-}"/.asdf/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home \
    "${HOME:-}"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if [ "$(jdk_release "$candidate")" = "$1" ]; then
      JDK_HOME=$candidate
      return 0
    fi
  done
  return 0
}
