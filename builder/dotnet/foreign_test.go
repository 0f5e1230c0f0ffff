package dotnet

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestPublishGoesNowhereElse has projects whose own publish pushes or deploys:
// with us they publish into our folder, and talk to nobody.
func TestPublishGoesNowhereElse(t *testing.T) {
	profile := func(method string) string {
		return `<Project><PropertyGroup><WebPublishMethod>` + method + `</WebPublishMethod><PublishProvider>` + method + `</PublishProvider>
			<PublishUrl>%[1]s</PublishUrl><DeployUrl>%[1]s</DeployUrl><UserName>u</UserName><Password>p</Password></PropertyGroup></Project>`
	}
	const container = `<ContainerRegistry>%[2]s</ContainerRegistry><ContainerRepository>stolen</ContainerRepository>
		<ContainerBaseImage>%[2]s/base:1</ContainerBaseImage>`
	for _, test := range []struct{ name, properties, items, profile string }{
		{name: "ZipDeploy profile", properties: `<PublishProfile>Zip</PublishProfile>`, profile: profile("ZipDeploy")},
		{name: "DefaultContainer profile and a target that calls PublishContainer", properties: `<PublishProfile>DefaultContainer</PublishProfile><EnableSdkContainerSupport>true</EnableSdkContainerSupport>` + container,
			items: `<Target Name="Push" AfterTargets="Publish"><CallTarget Targets="PublishContainer"/></Target>`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				t.Logf("request: %s %s", r.Method, r.URL)
				http.NotFound(w, r)
			}))
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://")
			fill := func(s string) string {
				return strings.NewReplacer("%[1]s", server.URL, "%[2]s", host).Replace(s)
			}
			dir := write(t, map[string]string{
				"web.csproj": fmt.Sprintf(`<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework>%s</PropertyGroup>%s</Project>`,
					fill(test.properties), test.items),
				"p.cs":                                  "Microsoft.AspNetCore.Builder.WebApplication.Create().Run();\n",
				"Properties/PublishProfiles/Zip.pubxml": fill(test.profile),
			})
			result := publish(t, request(t, dir))
			if n := requests.Load(); n != 0 {
				t.Errorf("%d requests were made", n)
			}
			if strings.Contains(test.properties, "ContainerRegistry") && result.Properties["ContainerRepository"] != "stolen" {
				t.Errorf("the Container properties cannot be read: %v", result.Properties)
			}
		})
	}
}
