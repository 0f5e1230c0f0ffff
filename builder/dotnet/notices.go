package dotnet

import (
	"fmt"
	"sort"
	"strings"
)

// buildNotices are the hints about what a project asked for.
func buildNotices(answer *evaluation) []string {
	var notices []string
	add := func(format string, args ...any) { notices = append(notices, fmt.Sprintf(format, args...)) }
	name := answer.Properties["AssemblyName"]
	switch {
	case answer.isTrue("PublishSingleFile"):
		add("%s is one file (PublishSingleFile), so its image shares no layers and each change sends all of it: -p PublishSingleFile=false splits it", name)
	case answer.isTrue("PublishTrimmed"):
		add("%s has its own trimmed runtime (PublishTrimmed), which other images cannot share: -p PublishTrimmed=false shares it", name)
	}
	if answer.isTrue("PublishReadyToRunComposite") && answer.isTrue("PublishReadyToRun") {
		add("%s rewrites the runtime (PublishReadyToRunComposite), which other images cannot share: -p PublishReadyToRunComposite=false shares it", name)
	}
	if others := foreignRIDs(answer.Properties["RuntimeIdentifiers"]); len(others) > 0 {
		add("%s restores the packs of %s too (RuntimeIdentifiers): %s fetches only what the image needs", name, strings.Join(others, ", "), onlyOurs)
	}
	for _, lost := range collisions(answer.Items[publishItems]) {
		add("%s are published under one name in letters of either case, so only one of them is in the image: rename the other", lost)
	}
	return notices
}

// foreignRIDs are the runtime identifiers of a list that no image is made for.
func foreignRIDs(list string) []string {
	var others []string
	for rid := range strings.SplitSeq(list, ";") {
		if rid = strings.TrimSpace(rid); rid != "" && !strings.EqualFold(rid, runtimeIdentifier) {
			others = append(others, rid)
		}
	}
	return others
}

// collisions finds files that are to be published under the same name: Windows
// does not tell capitals from small letters, and dotnet writes one of them
// without a word.
func collisions(items []Item) []string {
	sources := map[string][]string{}
	for _, item := range items {
		name := strings.ToLower(relativePath(item))
		sources[name] = append(sources[name], orDefault(item.Metadata["FullPath"], item.Identity))
	}
	var found []string
	for _, files := range sources {
		if distinct := uniqueSorted(files); len(distinct) > 1 {
			found = append(found, strings.Join(distinct, " and "))
		}
	}
	sort.Strings(found)
	return found
}

func uniqueSorted(list []string) []string {
	sort.Strings(list)
	var unique []string
	for _, s := range list {
		if len(unique) == 0 || unique[len(unique)-1] != s {
			unique = append(unique, s)
		}
	}
	return unique
}
