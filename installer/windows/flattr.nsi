; Windows setup of Flattr, made by makensis on Linux.
Unicode true
!include MUI2.nsh
!include x64.nsh
!include WordFunc.nsh
Name "Flattr"
OutFile "{{.Out}}"
InstallDir "$PROGRAMFILES64\Flattr"
RequestExecutionLevel admin
SetCompressor /SOLID lzma
SetDateSave off
VIProductVersion "{{.Numbers}}.0"
VIAddVersionKey ProductName "Flattr"
VIAddVersionKey FileDescription "Flattr setup"
VIAddVersionKey FileVersion "{{.Version}}"
VIAddVersionKey ProductVersion "{{.Version}}"
VIAddVersionKey LegalCopyright "The Flattr authors, Apache-2.0"

!define REGISTRY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Flattr"
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_FUNCTION OpenWelcome
!define MUI_FINISHPAGE_RUN_TEXT "$(connect)"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"
LangString connect ${LANG_ENGLISH} "Connect your browser"
LangString connect ${LANG_GERMAN} "Browser verbinden"
LangString newer ${LANG_ENGLISH} "Flattr $0 is installed and keeps your clicks in a form that {{.Version}} may not read. Keep $0, or remove it together with your clicks first."
LangString newer ${LANG_GERMAN} "Flattr $0 ist installiert und bewahrt deine Klicks in einer Form auf, die {{.Version}} vielleicht nicht liest. Behalte $0, oder entferne es vorher mitsamt deinen Klicks."
LangString amd64 ${LANG_ENGLISH} "Flattr needs a 64-bit Windows."
LangString amd64 ${LANG_GERMAN} "Flattr braucht ein Windows mit 64 Bit."
LangString purge ${LANG_ENGLISH} "Delete the clicks that are kept on this machine, too?"
LangString purge ${LANG_GERMAN} "Auch die Klicks löschen, die auf diesem Rechner aufbewahrt sind?"

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_OK|MB_ICONSTOP "$(amd64)" /SD IDOK
    SetErrorLevel 1
    Quit
  ${EndIf}
  SetRegView 64
  SetShellVarContext all
  ReadRegStr $0 HKLM "${REGISTRY}" "DisplayVersion"
  ${If} $0 != ""
    ${VersionCompare} "$0" "{{.Version}}" $1
    ${If} $1 == 1
      MessageBox MB_OK|MB_ICONSTOP "$(newer)" /SD IDOK
      SetErrorLevel 1
      Quit
    ${EndIf}
  ${EndIf}
FunctionEnd

Function OpenWelcome
  ExecShell "open" "$INSTDIR\welcome.html"
FunctionEnd

Section
  SetRegView 64
  SetShellVarContext all
  ; A program that runs cannot be written over.
  IfFileExists "$INSTDIR\flattrd.exe" 0 +2
    nsExec::ExecToLog '"$INSTDIR\flattrd.exe" uninstall'
{{- range .Folders}}
  SetOutPath "$INSTDIR{{.Below}}"
{{- range .Files}}
  File "/oname={{.Name}}" "{{.Source}}"
{{- end}}
{{- end}}
  SetOutPath "$INSTDIR"
{{- range .Browsers}}
  WriteRegStr HKLM "{{.Key}}" "" "$INSTDIR\{{.Manifest}}"
{{- end}}
  ; The clicks belong to the service; what makes the folder decides who reads it.
  CreateDirectory "$APPDATA\Flattr"
  nsExec::ExecToLog 'icacls "$APPDATA\Flattr" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F'
  nsExec::ExecToLog '"$INSTDIR\flattrd.exe" install'
  nsExec::ExecToLog '"$INSTDIR\flattrd.exe" start'
  CreateShortcut "$SMPROGRAMS\Flattr.lnk" "$INSTDIR\welcome.html"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${REGISTRY}" "DisplayName" "Flattr"
  WriteRegStr HKLM "${REGISTRY}" "DisplayVersion" "{{.Version}}"
  WriteRegStr HKLM "${REGISTRY}" "Publisher" "Flattr maintainers"
  WriteRegStr HKLM "${REGISTRY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${REGISTRY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${REGISTRY}" "NoModify" 1
  WriteRegDWORD HKLM "${REGISTRY}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  SetRegView 64
  SetShellVarContext all
  nsExec::ExecToLog '"$INSTDIR\flattrd.exe" uninstall'
{{- range .Browsers}}
  DeleteRegKey HKLM "{{.Key}}"
{{- end}}
{{- range .Folders}}
{{- $below := .Below}}
{{- range .Files}}
  Delete "$INSTDIR{{$below}}\{{.Name}}"
{{- end}}
{{- end}}
{{- range .Removed}}
  RMDir "$INSTDIR{{.}}"
{{- end}}
  Delete "$INSTDIR\uninstall.exe"
  Delete "$SMPROGRAMS\Flattr.lnk"
  DeleteRegKey HKLM "${REGISTRY}"
  RMDir "$INSTDIR"
  MessageBox MB_YESNO|MB_DEFBUTTON2 "$(purge)" /SD IDNO IDNO +2
    RMDir /r "$APPDATA\Flattr"
SectionEnd
