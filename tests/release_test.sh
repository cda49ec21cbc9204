#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The release script refuses what is no release, and makes one of what is. Works on a repository of its
# own, with the files that the script reads.
#
# usage: release_test.sh SOURCE_ROOT
set -eu

source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

if ! command -v git >/dev/null || ! command -v xz >/dev/null; then
	echo '1..0 # SKIP git or xz is not installed'
	exit
fi

git_here()
{
	git -C "$work" -c user.name=regio -c user.email=regio@regio.example \
		-c commit.gpgsign=false -c tag.gpgsign=false "$@"
}

commit()
{
	git_here add -A
	git_here commit -qm "$1"
}

# result WANTED TEXT ARGUMENT...: the script's exit status is 0 or not, and it says TEXT.
result()
{
	wanted=$1 text=$2
	shift 2
	number=$((number + 1))
	status=0
	output=$(GIT_COMMITTER_NAME=regio GIT_COMMITTER_EMAIL=regio@regio.example GIT_CONFIG_COUNT=1 \
		GIT_CONFIG_KEY_0=tag.gpgsign GIT_CONFIG_VALUE_0=false \
		"$work/.ci/release" "$@" 2>&1) || status=1
	if [ "$status" = "$wanted" ] && printf '%s\n' "$output" | grep -qF -- "$text"; then
		echo "ok $number - $text"
	else
		echo "not ok $number - $text"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
}

mkdir -p "$work/.ci" "$work/include" "$work/debian" "$work/tests"
cp "$source/.ci/release" "$work/.ci"
cp "$source/meson.build" "$work"
cp "$source/include/regio.h" "$work/include"
cp "$source/debian/changelog" "$work/debian"
cp "$source/tests/abi.list" "$work/tests"
version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$source/meson.build")
printf 'build*/\n' >"$work/.gitignore"
printf '# Changes\n\n## %s (unreleased)\n' "$version" >"$work/CHANGELOG.md"
git_here init -q
commit first

echo 1..10
result 1 'enter the date of the release' --check
sed -i 's/(unreleased)/(2026-11-29)/' "$work/CHANGELOG.md"
result 1 'the tree has changes' --check
commit dated
result 0 'there is no release before' --check
result 0 "tagged v$version" --no-packages
result 1 "there is a tag v$version" --check
# A minor version later nothing may be gone.
next=${version%.*}.99
sed -i "s/^  version: '.*',/  version: '$next',/" "$work/meson.build"
result 1 'include/regio.h has' --check
sed -i 's/^\(#define REGIO_VERSION_PATCH\) .*/\1 99/' "$work/include/regio.h"
result 1 'debian/changelog has' --check
sed -i "1s/(.*)/($next)/" "$work/debian/changelog"
printf '## %s (2026-11-30)\n' "$next" >>"$work/CHANGELOG.md"
echo 'regio_new: 1' >>"$work/tests/abi.list"
commit next
result 0 '+ regio_new: 1' --check
sed -i 1d "$work/tests/abi.list"
commit gone
result 1 'that needs a new minor version' --check
result 1 'must be --check or --no-packages' --nonsense
